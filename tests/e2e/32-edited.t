# SPDX-License-Identifier: ISC
# What editors do to save a file is one event.  Nothing here is let out by time:
# settle is long, and `wait --idle` lets out what is held.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq

long='settle = 1h
settle-max = 1h'
project p <<CONF
edited = true
$long
CONF
text='one
two
three'
for f in sed hidden plain new vim vimbak nano git emacs emacsbak cut grow twice gone; do
	echo "$text" >"$P/$f"
done
rm "$P/new"
(cd "$P" && git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm x) ||
	bail "git does not work"
echo changed >"$P/git"
"$TOOLS/replay" -x .git list "$P" >"$T/first"
start_daemon

# recorded FILE: what the records of the last step say of FILE.
recorded()
{
	events "select(.rel_path == \"$1\" and .seq > $mark) | .event_type |
		[.type, (.method // .kind // empty), (.temp_files // [] | map(split(\"/\") | last)
		| sort[])] | join(\" \")" | tr -d '"' | paste -sd , -
}
step() # COMMAND...: in $P; all it does is recorded afterwards
{
	mark=$(events .seq | tail -n 1)
	(cd "$P" && "$@") >"$T/step" 2>&1 || diag_file "$T/step"
	idle >/dev/null
}
others() # FILE: what was recorded of any other file
{
	events "select(.seq > $mark and .rel_path != \"$1\") | .rel_path"
}

step sed -i s/two/2/ sed
like "sed -i" "$(recorded sed)" "edited atomic sed*"
is "its temporary file is no event" "$(others sed)" ""

step sh -c 'echo x >.hidden.tmp && mv .hidden.tmp hidden'
is "a temporary file that is ignored is named" "$(recorded hidden)" "edited atomic .hidden.tmp"
step sh -c 'echo x >plain.new && chmod 600 plain.new && mv plain.new plain'
is "one that is not ignored too" "$(recorded plain)" "edited atomic plain.new"
step sh -c 'echo x >new.part && mv new.part new'
is "a file that was not there before" "$(recorded new)" "edited atomic new.part"
ok "which the record says" told '.rel_path == "new" and .event_type.created == true'

if command -v vim.tiny >/dev/null; then
	step vim.tiny -N -u NONE -es -c 'set nobackup nowritebackup' -c '%s/two/2/' -c wq vim
	is "vim, without a backup" "$(recorded vim)" "edited in-place"
	is "its swap file is no event" "$(others vim)" ""
	step vim.tiny -N -u NONE -es -c 'set writebackup backupcopy=no' -c '%s/two/2/' \
		-c wq vimbak
	case $(recorded vimbak) in
	"edited backup vimbak~" | "edited in-place")
		ok "vim, with one: $(recorded vimbak)" true ;;
	*) is "vim, with one" "$(recorded vimbak)" "edited backup vimbak~" ;;
	esac
	is "its backup is no event" "$(others vimbak)" ""
else
	skip "no vim" 4
fi

# The keys are typed when nano runs, and its input stays open until it has saved.
# shellcheck disable=SC2094 # the screen is read while it is written
nano_saves()
{
	{
		wait_for "$LIMIT" grep -q nano "$T/screen"
		printf 'zz\017\r'
		wait_for "$LIMIT" grep -q zz "$P/nano"
		printf '\030'
		wait_for "$LIMIT" test -e "$T/nano-ended"
	} | TERM=vt100 timeout "$LIMIT" script -qec \
		"nano --ignorercfiles nano; : >'$T/nano-ended'" /dev/null >"$T/screen"
}
if command -v nano >/dev/null && command -v script >/dev/null; then
	: >"$T/screen"
	step nano_saves
	case $(recorded nano) in
	"edited in-place" | "modified content")
		ok "nano: one event: $(recorded nano)" true ;;
	*) is "nano" "$(recorded nano)" "edited in-place" ;;
	esac
	is "and nothing else" "$(others nano)" ""
else
	skip "no nano, or no script" 2
fi

# Of what is under version control, and of what is temporary, it keeps no backup.
if command -v emacs >/dev/null; then
	change='(progn (goto-char 1) (insert "zz") (save-buffer))'
	step emacs -Q --batch emacs --eval "$change"
	case $(recorded emacs) in
	"edited in-place" | "modified content")
		ok "emacs, without a backup: $(recorded emacs)" true ;;
	*) is "emacs, without a backup" "$(recorded emacs)" "edited in-place" ;;
	esac
	is "its lock is no event" "$(others emacs)" ""
	step emacs -Q --batch --eval '(setq vc-handled-backends nil
		backup-enable-predicate (lambda (name) t))' emacsbak --eval "$change"
	is "emacs, with one" "$(recorded emacsbak)" "edited backup emacsbak~"
	is "its backup is no event" "$(others emacsbak)" ""
	rm "$P/emacsbak~"
else
	skip "no emacs" 4
fi

step git checkout -q git
is "git checkout" "$(recorded git)" "edited in-place"
is "and nothing else" "$(others git)" ""

step sh -c 'echo 1 >cut'
is "cut and written" "$(recorded cut)" "edited in-place"
step sh -c 'echo more >>grow'
is "written once, and longer: a plain event" "$(recorded grow)" "modified content"
step sh -c 'mv twice old && echo x >twice && rm old'
is "a backup that is removed" "$(recorded twice)" "edited backup old"
is "is no event" "$(others twice)" ""
step sh -c 'mv twice old && echo x >twice'
case $(recorded old),$(recorded twice) in
"renamed,edited backup old" | "created,edited backup old")
	ok "a backup that stays is told of" true ;;
*) is "a backup that stays" "$(recorded old),$(recorded twice)" "renamed,edited backup old" ;;
esac
step sh -c 'rm gone; mkdir d; echo x >d/f; rm -r d'
is "what is no save comes as it is" "$(recorded gone)" "deleted"
ok "played over the first tree the log gives the last" replayed "$T/first" -x .git
# What a save would have had as records depends on when the queue was read.
ok "status counts" st_is '.events.edited >= 8 and .events.merged > 0' true

# A crash while records are held.
watcher=$(pid_of watcher)
step true
echo x >"$P/held"
rm "$P/grow"
(cd "$P" && sed -i s/one/1/ sed)
# A file that is not held: when it is there, the ones before were seen.
mkdir "$P/dir"
ok "a directory is not held" wait_for "$LIMIT" told '.rel_path == "dir"'
is "a file is" "$(recorded held)$(recorded grow)$(recorded sed)" ""
kill -9 "$watcher"
again()
{
	now=$(pid_of watcher) && [ -n "$now" ] && [ "$now" != "$watcher" ] && ready
}
ok "the watcher is killed, and back" wait_for "$LIMIT" again
step true
mark=0
is "what was held is recorded" "$(recorded held)" "created"
like "all of it" "$(recorded grow)" "*deleted"
ok "and the replay fits" replayed "$T/first" -x .git
is "once" "$(events 'select(.rel_path == "held")' | wc -l | tr -d ' ')" 1

# Without the option each step is an event.
ctl stop >/dev/null
printf 'edited = true\nsettle = 20ms\n' | conf
start_daemon
idle >/dev/null
printf 'edited = false\n' | conf
ctl reload >/dev/null
mark=$(events .seq | tail -n 1)
(cd "$P" && sed -i s/three/3/ sed)
idle >/dev/null
like "without edited there are more events" "$(others sed)" '"sed*'
not_ok "and none is edited" told ".seq > $mark and .event_type.type == \"edited\""
finish
