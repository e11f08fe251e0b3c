# SPDX-License-Identifier: ISC
# FILEMON_HARDEN: what compiler and linker can do against faults of memory, as
# HARDEN_CPPFLAGS, HARDEN_CFLAGS, HARDEN_LDFLAGS and, for programs alone,
# PIE_LDFLAGS (doc/hardening.md).  What is given in CPPFLAGS, CFLAGS and LDFLAGS
# comes after them and wins.  Nothing where $enable_hardening is no; what costs
# more than two per cent only where it is full.

# FILEMON_TRY_CFLAG(VARIABLE, FLAG): adds it where the compiler takes it.
AC_DEFUN([FILEMON_TRY_CFLAG], [
	AC_MSG_CHECKING([whether $CC takes $2])
	filemon_cflags=$CFLAGS
	CFLAGS="$CFLAGS -Werror $2"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
		[$1="$$1 $2"; AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])])
	CFLAGS=$filemon_cflags
])

# FILEMON_TRY_LDFLAG(VARIABLE, FLAG): the same of the linker.
AC_DEFUN([FILEMON_TRY_LDFLAG], [
	AC_MSG_CHECKING([whether the linker takes $2])
	filemon_cflags=$CFLAGS filemon_ldflags=$LDFLAGS
	CFLAGS="$CFLAGS $HARDEN_CFLAGS" LDFLAGS="$LDFLAGS $2"
	AC_LINK_IFELSE([AC_LANG_PROGRAM()],
		[$1="$$1 $2"; AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])])
	CFLAGS=$filemon_cflags LDFLAGS=$filemon_ldflags
])

# It needs an optimising compiler.  One that the packager or the compiler has set is
# left as it is, and sanitizers look closer by themselves.
AC_DEFUN([FILEMON_FORTIFY], [
	AC_MSG_CHECKING([whether to set _FORTIFY_SOURCE])
	filemon_fortify=no
	AS_IF([test "x$enable_hardening$enable_sanitize$enable_fuzz" = xfullnono],
		[AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#if defined _FORTIFY_SOURCE || !defined __OPTIMIZE__
#error
#endif
]])], [filemon_fortify=yes])])
	AC_MSG_RESULT([$filemon_fortify])
	AS_IF([test "x$filemon_fortify" = xyes],
		[HARDEN_CPPFLAGS="-D_FORTIFY_SOURCE=2"])
])

# Where the compiler does not make them so by itself.
AC_DEFUN([FILEMON_PIE], [
	AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#ifndef __PIE__
#error
#endif
]])], [], [
		FILEMON_TRY_CFLAG([HARDEN_CFLAGS], [-fPIE])
		FILEMON_TRY_LDFLAG([PIE_LDFLAGS], [-pie])])
])

AC_DEFUN([FILEMON_HARDEN], [
	HARDEN_CPPFLAGS= HARDEN_CFLAGS= HARDEN_LDFLAGS= PIE_LDFLAGS=
	AS_IF([test "x$enable_hardening" != xno], [
		FILEMON_FORTIFY
		AS_IF([test "x$enable_hardening" = xfull],
			[FILEMON_TRY_CFLAG([HARDEN_CFLAGS], [-fstack-protector-strong])],
			[FILEMON_TRY_CFLAG([HARDEN_CFLAGS], [-fstack-protector])])
		FILEMON_TRY_CFLAG([HARDEN_CFLAGS], [-fstack-clash-protection])
		FILEMON_PIE
		FILEMON_TRY_LDFLAG([HARDEN_LDFLAGS], [-Wl,-z,relro])
		FILEMON_TRY_LDFLAG([HARDEN_LDFLAGS], [-Wl,-z,now])
		FILEMON_TRY_LDFLAG([HARDEN_LDFLAGS], [-Wl,-z,noexecstack])])
	AC_SUBST([HARDEN_CPPFLAGS])
	AC_SUBST([HARDEN_CFLAGS])
	AC_SUBST([HARDEN_LDFLAGS])
	AC_SUBST([PIE_LDFLAGS])
])
