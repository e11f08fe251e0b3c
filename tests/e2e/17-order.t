# SPDX-License-Identifier: ISC
# What goes first of two paths of one handler, and that nothing waits for ever.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

# A symbolic link that the filter leaves out takes the place of a directory, and
# leads to one with the same names.
# hidden NAME FILTER: while a daemon looks, and while none does.
hidden()
{
	: >"$HLOG"
	mkdir "$T/$1.away"
	project "$1" <<-CONF
		settle = 20ms
		$2
		handler h {
			load        = { "$H/log", "load" }
			remove-file = { "$H/log", "remove" }
		}
	CONF
	mkdir -p "$P/one/sub" "$P/two/sub"
	: >"$P/one/sub/a.c"
	: >"$P/two/sub/b.c"
	start_daemon
	idle >/dev/null
	: >"$HLOG"
	mv "$P/one" "$T/$1.away/one"
	ln -s "$T/$1.away/one" "$P/one"
	ok "a link that $1 leaves out is not looked through" idle
	ctl stop >/dev/null
	mv "$P/two" "$T/$1.away/two"
	ln -s "$T/$1.away/two" "$P/two"
	start_daemon
	ok "nor is one that was made while nothing ran" idle
	ok "what was below is removed" log_is "h remove one/sub/a.c 1
h remove two/sub/b.c 1"
	ctl stop >/dev/null
}
hidden include 'include = { "*.c" }'
hidden ignore 'ignore = { "*", "!*/", "!*.c" }'

# A file that was changed and renamed at once is no move: its removal does not wait
# for a load that fails for ever.
: >"$HLOG"
cat >"$T/fails" <<EOS
#!/bin/sh
"$H/log" load
[ "\${FILEMON_RELPATH##*/}" != b ]
EOS
chmod +x "$T/fails"
project changed <<CONF
settle = 300ms
handler h {
	load        = { "$T/fails" }
	remove-file = { "$H/log", "remove" }
	move        = { "$H/log", "move" }
	retries     = -1
	backoff     = 50ms
	backoff-max = 50ms
	breaker-failures = 0
}
CONF
echo 1 >"$P/a"
start_daemon
idle >/dev/null
echo 2 >>"$P/a"
mv "$P/a" "$P/b"
ok "the load of what was renamed fails" wait_for "$LIMIT" logged "h load b 3"
ok "its old path is removed all the same" wait_for "$LIMIT" logged "h remove a 1"
not_ok "and nothing was taken for a move" grep -q "^h move " "$HLOG"
ctl stop >/dev/null

# A directory takes the place of a file, for a handler that is told of files only: what
# it knows under that name goes before what is in the directory is loaded.
: >"$HLOG"
mkdir "$T/copy"
cat >"$T/mirror" <<EOS
#!/bin/sh
# mirror load|remove: keeps a copy of the tree, in which a file can be in the way
"$H/log" "\$1"
at=$T/copy/\$FILEMON_RELPATH
case \$1 in
load) mkdir -p "\${at%/*}" && [ ! -d "\$at" ] && cp "\$FILEMON_PATH" "\$at" ;;
remove)
	[ ! -e "$T/shut" ] && rm -f "\$at" || exit 1
	# One that a load fills meanwhile is left.
	cd "$T/copy" && find . -mindepth 1 -depth -type d -empty -delete || :
	;;
esac
EOS
chmod +x "$T/mirror"
project place <<CONF
settle = 20ms
handler h {
	load        = { "$T/mirror", "load" }
	remove-file = { "$T/mirror", "remove" }
	retries     = -1
	backoff     = 50ms
	backoff-max = 50ms
	breaker-failures = 0
	jobs = 4
}
CONF
echo 1 >"$P/x"
start_daemon
idle >/dev/null
: >"$T/shut"
: >"$HLOG"
rm "$P/x"
mkdir -p "$P/x/d"
echo 2 >"$P/x/d/f"
echo 2 >"$P/x/g"
ok "the file that a directory replaced is to be removed" \
	wait_for "$LIMIT" logged "h remove x 3"
not_ok "before that nothing in the directory is loaded" grep -q load "$HLOG"
is "the queue says so" "$(ctl queue --json |
	jq -r '.items[] | select(.path == "x").command')" remove-file
ctl restart >/dev/null
ok "it is again after a restart" wait_for "$LIMIT" logged "h remove x 6"
not_ok "with what is in it" grep -q load "$HLOG"
rm "$T/shut"
ok "then all comes to its end" idle
ok "and the copy is as the tree" diff -r -x .filemon "$P" "$T/copy"
rm -r "$P/x"
echo 3 >"$P/x"
ok "the other way round too" idle
ok "which is the same" diff -r -x .filemon "$P" "$T/copy"
ctl stop >/dev/null

# Not so of one that could be told of directories, but wants this one as a file only.
: >"$HLOG"
rm -r "$T/copy"
mkdir "$T/copy"
project narrow <<CONF
settle = 20ms
handler h {
	types       = { file, dir }
	match       = { "x", "!x/", "x/**" }
	load        = { "$T/mirror", "load" }
	remove-file = { "$T/mirror", "remove" }
	retries     = -1
	backoff     = 50ms
	backoff-max = 50ms
	breaker-failures = 0
}
CONF
echo 1 >"$P/x"
start_daemon
idle >/dev/null
rm "$P/x"
mkdir "$P/x"
echo 2 >"$P/x/g"
ok "a file is removed though loads below its name fail" idle
ok "which do not when it is" diff -r -x .filemon "$P" "$T/copy"
ctl stop >/dev/null

# The directory between is none that the handler is told of.
: >"$HLOG"
cat >"$T/once" <<EOS
#!/bin/sh
"$H/log" remove
[ "\$FILEMON_RELPATH" != top/sub/deep/f.txt ] || [ "\$FILEMON_ATTEMPT" -gt 2 ]
EOS
chmod +x "$T/once"
project between <<CONF
settle = 20ms
handler h {
	types       = { file, dir }
	match       = { "/top", "!/top/*", "*.txt" }
	load        = { "$H/log", "load" }
	remove-file = { "$T/once" }
	backoff     = 50ms
	backoff-max = 50ms
	jobs = 4
}
CONF
mkdir -p "$P/top/sub/deep"
echo 1 >"$P/top/sub/deep/f.txt"
start_daemon
idle >/dev/null
: >"$HLOG"
rm -r "$P/top"
idle >/dev/null
is "a directory goes after what is further below" "$(cat "$HLOG")" "h remove top/sub/deep/f.txt 1
h remove top/sub/deep/f.txt 2
h remove top/sub/deep/f.txt 3
h remove top 1"
ctl stop >/dev/null

# Two paths that are too long for one message.
cat >"$T/long" <<EOS
#!/bin/sh
printf '%s\n' "\$1 \${#2}" >>"$HLOG"
EOS
chmod +x "$T/long"
: >"$HLOG"
project far <<CONF
settle = 50ms
handler long {
	load        = { "$T/long", "load", "{path}" }
	remove-file = { "$T/long", "remove", "{path}" }
	move        = { "$T/long", "move", "{old_path}", "{path}" }
}
CONF
# deep DIR N: a file below N directories with long names; nothing is opened by its path.
deep()
{
	mkdir "$1"
	python3 -c 'import os, sys
os.chdir(sys.argv[1])
for i in range(int(sys.argv[2])):
	name = "%03d" % i * 83
	os.mkdir(name)
	os.chdir(name)
open("f", "w").write("1")' "$1" "$2"
}
deep "$P/d" 262
start_daemon
idle >/dev/null
is "a path of 65,000 bytes is loaded" "$(cut -d' ' -f1 "$HLOG")" load
: >"$HLOG"
mv "$P/d" "$P/e"
ok "a move that fits in no message ends" idle
is "as a removal and a load" "$(cut -d' ' -f1 "$HLOG" | sort | xargs)" "load remove"
rm -r "$P/e"
ctl stop >/dev/null

# A handler that goes in a reload while it runs, and comes back in the next, does not
# run beside what it began.
: >"$HLOG"
rm -f "$GATE"
with_handler()
{
	conf <<-CONF
		settle = 20ms
		handler h {
			load        = { "$H/gate" }
			remove-file = { "$H/log", "remove" }
			jobs = 4
		}
	CONF
}
project back <<CONF
settle = 20ms
CONF
with_handler
start_daemon
echo 1 >"$P/a"
echo 1 >"$P/gone"
ok "a handler runs" wait_for "$LIMIT" lines_are 2
echo 'settle = 20ms' | conf
ok "it goes" ctl reload
echo 2 >"$P/a"
with_handler
ok "and comes back" ctl reload
rm "$P/gone"
echo 1 >"$P/b"
ok "it runs for what is new" wait_for "$LIMIT" logged "h begin b 1"
is "not beside what it began" "$(grep -c "begin a" "$HLOG")" 1
: >"$GATE"
idle >/dev/null
ok "but after it" test "$(grep -xn "h begin a 1" "$HLOG" | sed -n '2s/:.*//p')" -gt \
	"$(grep -xn -m1 "h end a 1" "$HLOG" | cut -d: -f1)"
ok "what it was loading then, and is gone, is removed" logged "h remove gone 1"
ctl stop >/dev/null

finish
