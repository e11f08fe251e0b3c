# SPDX-License-Identifier: ISC
# Records that say what repository a path is in, against real ones.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/lib/daemon.sh"
need jq git

unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL \
	GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL

# in_repo DIR ARGS...: git there, silent.
in_repo()
{
	(cd "$1" && shift && git -c protocol.file.allow=always "$@") >"$T/git.out" 2>&1 ||
		bail "git $*: $(cat "$T/git.out")"
}

# repo DIR: one with a file and a commit.
repo()
{
	mkdir -p "$1"
	in_repo "$1" init -q -b main
	echo first >"$1/tracked"
	in_repo "$1" add tracked
	in_repo "$1" commit -q -m first
}

head_of()
{
	git -C "${1:-$P}" rev-parse HEAD
}

# saw SENTENCE PATH CONDITION: is there a record of the path whose git_context meets it?
saw()
{
	ok "$1" wait_for "$LIMIT" told '.rel_path == "'"$2"'" and (.git_context | '"$3"')'
}

on_main()
{
	echo '.branch == "main" and (has("detached") | not) and .commit == "'"$(head_of "$@")"'"'
}

project p <<'CONF'
enrich = { git }
settle = 20ms
CONF
repo "$P"
echo .filemon >"$P/.git/info/exclude"
start_daemon

echo second >>"$P/tracked"
saw "a record names the repository" tracked '.repo == "'"$P"'"'
saw "its branch and its commit" tracked "$(on_main)"
saw "a file of another size is dirty" tracked '.tracked and .dirty'
echo new >"$P/untracked"
saw "so is one that is not tracked" untracked '.tracked == false and .dirty'
mkdir "$P/dir"
saw "a directory is neither" dir 'has("repo") and (has("dirty") or has("tracked") | not)'

in_repo "$P" commit -q -a -m second
echo 1 >"$P/after-commit"
saw "a commit is followed" after-commit "$(on_main)"
in_repo "$P" checkout -q -b topic/a
echo 1 >"$P/on-topic"
saw "so is a branch" on-topic '.branch == "topic/a"'
in_repo "$P" checkout -q --detach HEAD~1
echo 1 >"$P/on-none"
saw "and its absence" on-none \
	'.detached and (has("branch") | not) and .commit == "'"$(head_of)"'"'
in_repo "$P" checkout -q main
in_repo "$P" pack-refs --all
not_ok "(a packed branch has no file)" test -e "$P/.git/refs/heads/main"
echo 1 >"$P/packed"
saw "a packed branch is found" packed "$(on_main)"
in_repo "$P" commit -q --allow-empty -m third
in_repo "$P" pack-refs --all
echo 1 >"$P/packed-again"
saw "and when it is packed anew" packed-again "$(on_main)"

# The index in its other forms.
in_repo "$P" update-index --index-version 4
echo third >>"$P/tracked"
saw "an index of version 4 is read" tracked '(.commit == "'"$(head_of)"'") and .tracked and .dirty'
: >"$P/.git/index.lock"
echo 1 >"$P/locked"
saw "while git is at work nothing is told of the index" locked 'has("commit") and (has("dirty") | not)'
rm "$P/.git/index.lock"
in_repo "$P" update-index --split-index
echo 1 >"$P/split"
saw "nor where it is split" split 'has("commit") and (has("dirty") | not)'
in_repo "$P" update-index --no-split-index
rm "$P/tracked"
ok "a tracked file that is gone is dirty" wait_for "$LIMIT" told \
	'.event_type.type == "deleted" and .rel_path == "tracked" and .git_context.dirty'

# Work trees that are elsewhere than their .git directory.
in_repo "$P" worktree add -q "$P/linked" -b side
echo 1 >"$P/linked/file"
saw "a linked work tree is one of its own" linked/file \
	'.repo == "'"$P/linked"'" and .branch == "side" and .tracked == false'
repo "$T/other"
in_repo "$P" submodule add -q "$T/other" sub
echo more >>"$P/sub/tracked"
saw "and so is a submodule" sub/tracked \
	'.repo == "'"$P/sub"'" and .dirty and '"$(on_main "$P/sub")"
echo 1 >"$P/beside-sub"
saw "which does not rub off" beside-sub '.repo == "'"$P"'"'
mkdir "$P/young"
in_repo "$P/young" init -q -b first
echo 1 >"$P/young/file"
saw "a repository without a commit has none" young/file \
	'.branch == "first" and (has("commit") or has("dirty") | not)'

# What was written before the index was, is the same by all that lstat(2) tells.
ctl stop >/dev/null
echo same >"$P/same"
is_later()
{
	touch "$T/tick"
	[ -n "$(find "$T/tick" -newer "$P/same")" ]
}
ok "(the clock goes on)" wait_for "$LIMIT" is_later
in_repo "$P" add same
start_daemon
saw "a file as the index has it is not dirty" same '.tracked and .dirty == false'
touch -d '2001-01-01' "$P/same"
ok "of one whose times differ nothing is told" wait_for "$LIMIT" told \
	'.rel_path == "same" and .mtime_ns < 1000000000000000000 and
	(.git_context | .tracked and (has("dirty") | not))'

# Strangers' repositories: nothing is opened that is no file, and nobody waits.
mkdir -p "$P/hostile/.git" "$P/stray"
mkfifo "$P/hostile/.git/HEAD"
echo 1 >"$P/hostile/file"
saw "a FIFO for a HEAD tells nothing" hostile/file \
	'.repo == "'"$P/hostile"'" and (has("branch") or has("commit") | not)'
rm "$P/hostile/.git/HEAD"
ln -s /etc/passwd "$P/hostile/.git/HEAD"
echo 1 >"$P/hostile/link"
saw "nor does a link" hostile/link 'has("repo") and (has("branch") or has("commit") | not)'
echo 'gitdir: /dev' >"$P/stray/.git"
echo 1 >"$P/stray/file"
saw "of a .git file that leads nowhere nothing is told" stray/file '. == null'
ok "all of it fits the schema" fits_schema

# By reload, off and on.
conf <<'CONF'
settle = 20ms
CONF
ok "it can be switched off by a reload" ctl reload
echo 1 >"$P/off"
saw "then nothing is said" off '. == null'
conf <<'CONF'
enrich = { git }
default-ignores = false
settle = 20ms
CONF
ok "and on" ctl reload
echo 1 >"$P/on"
saw "then it is" on 'has("repo")'
echo 1 >"$P/.git/description"
saw "but for what is git's own" .git/description '. == null'
ctl stop >/dev/null

# A repository above the root, and none.
repo "$T/above"
project above/inner <<'CONF'
enrich = { git }
settle = 20ms
CONF
start_daemon
echo 1 >"$P/file"
saw "a repository may be above the root" file \
	'.repo == "'"$T/above"'" and '"$(on_main "$T/above")"
ctl stop >/dev/null
project none <<'CONF'
enrich = { git }
settle = 20ms
CONF
start_daemon
echo 1 >"$P/file"
saw "or nowhere" file '. == null'
finish
