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

finish
