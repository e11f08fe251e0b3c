/* SPDX-License-Identifier: ISC */
#include "git/gitfile.h"

#include <string.h>

#include "unit.h"

#define OID "0123456789abcdef0123456789abcdef01234567"
#define OID256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

START_TEST(a_head_is_on_a_branch_or_detached)
{
	struct git_head head;

	ck_assert(gitfile_head("ref: refs/heads/a/b\n", &head));
	ck_assert_str_eq(head.ref, "refs/heads/a/b");
	ck_assert_str_eq(head.commit, "");
	ck_assert(gitfile_head(OID "\n", &head));
	ck_assert_str_eq(head.ref, "");
	ck_assert_str_eq(head.commit, OID);
	ck_assert(gitfile_head(OID256 "\n", &head));
	ck_assert_str_eq(head.commit, OID256);
}
END_TEST

START_TEST(a_head_that_leads_elsewhere_is_refused)
{
	static const char *const bad[] = { "", "ref:", "ref: /etc/passwd\n",
		"ref: refs/heads/../../../x\n", "ref: refs/heads/.invalid\n", "0123\n",
		OID "0\n", OID " x\n" };
	struct git_head head;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert(!gitfile_head(bad[i], &head));
}
END_TEST

START_TEST(a_ref_too_long_is_refused)
{
	char text[2 * GITFILE_REF_SIZE] = "ref: refs/";
	struct git_head head;

	memset(text + 10, 'a', sizeof(text) - 11);
	text[sizeof(text) - 1] = '\0';
	ck_assert(!gitfile_head(text, &head));
}
END_TEST

START_TEST(a_packed_ref_is_known_by_its_whole_name)
{
	char oid[GITFILE_OID_SIZE];

	ck_assert(gitfile_packed(OID " refs/heads/main\n", "refs/heads/main", oid));
	ck_assert_str_eq(oid, OID);
	ck_assert(!gitfile_packed(OID " refs/heads/mainly\n", "refs/heads/main", oid));
	ck_assert(!gitfile_packed(OID " refs/heads/mai\n", "refs/heads/main", oid));
	ck_assert(!gitfile_packed("^" OID "\n", "refs/heads/main", oid));
	ck_assert(!gitfile_packed("# pack-refs with: peeled\n", "refs/heads/main", oid));
}
END_TEST

START_TEST(a_file_leads_to_the_directory)
{
	char good[] = "gitdir: ../.git/worktrees/w\n", bad[] = "gitdir: \n",
	     other[] = "x";

	ck_assert_str_eq(gitfile_dir(good), "../.git/worktrees/w");
	ck_assert_ptr_null(gitfile_dir(bad));
	ck_assert_ptr_null(gitfile_dir(other));
}
END_TEST

UNIT_MAIN("gitfile", a_head_is_on_a_branch_or_detached,
    a_head_that_leads_elsewhere_is_refused, a_ref_too_long_is_refused,
    a_packed_ref_is_known_by_its_whole_name, a_file_leads_to_the_directory)
