/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "watch/snapshot.h"

#define HEAD 40	 /* bytes before the first directory */
#define ENTRY 12 /* bytes before its name */

static const struct snapshot_root here = { 7, 11, 13 };

static uint32_t
add(struct dirtab *t, uint32_t parent, const char *name, int wd)
{
	uint32_t dir = dirtab_add(t, parent, name, strlen(name));

	ck_assert_uint_ne(dir, DIRTAB_NONE);
	ck_assert_int_eq(dirtab_set_wd(t, dir, wd), 0);
	return dir;
}

/* a, a/b, a/b/c, d; with a number that was given back. */
static void
plant(struct dirtab *t)
{
	uint32_t a, gone;

	ck_assert_int_eq(dirtab_init(t), 0);
	dirtab_set_wd(t, DIRTAB_ROOT, 1);
	gone = add(t, DIRTAB_ROOT, "gone", 2);
	a = add(t, DIRTAB_ROOT, "a", 3);
	add(t, add(t, a, "b\n\xff", 4), "c", 5);
	dirtab_remove(t, gone);
	add(t, DIRTAB_ROOT, "d", 6);
}

static unsigned char *
written(size_t *len)
{
	struct dirtab t;
	void *data;

	plant(&t);
	ck_assert_int_eq(snapshot_write(&t, &here, &data, len), 0);
	dirtab_release(&t);
	return data;
}

/* The errno, 0 where it is taken. */
static int
refusal(const struct snapshot_root *root, const void *data, size_t len)
{
	struct dirtab t;
	int error;

	ck_assert_int_eq(dirtab_init(&t), 0);
	error = snapshot_read(&t, root, data, len) == 0 ? 0 : errno;
	dirtab_release(&t);
	return error;
}

static int
sealed_refusal(unsigned char *data, size_t len)
{
	snapshot_seal(data, len);
	return refusal(&here, data, len);
}

START_TEST(what_was_written_is_read)
{
	struct dirtab t;
	size_t len;
	unsigned char *data = written(&len);
	uint32_t dir;

	ck_assert_int_eq(dirtab_init(&t), 0);
	ck_assert_int_eq(snapshot_read(&t, &here, data, len), 0);
	ck_assert_uint_eq(t.live, 5);
	ck_assert_uint_eq(dirtab_by_wd(&t, 1), DIRTAB_ROOT);
	dir = dirtab_lookup(&t, "a/b\n\xff/c", 7);
	ck_assert_uint_ne(dir, DIRTAB_NONE);
	ck_assert_int_eq(t.dirs[dir].wd, 5);
	ck_assert_uint_eq(dirtab_by_wd(&t, 6), dirtab_lookup(&t, "d", 1));
	ck_assert_uint_eq(dirtab_lookup(&t, "gone", 4), DIRTAB_NONE);
	dirtab_release(&t);
	free(data);
}
END_TEST

START_TEST(a_root_alone_is_enough)
{
	struct dirtab t;
	void *data;
	size_t len;

	ck_assert_int_eq(dirtab_init(&t), 0);
	dirtab_set_wd(&t, DIRTAB_ROOT, 1);
	ck_assert_int_eq(snapshot_write(&t, &here, &data, &len), 0);
	ck_assert_int_eq(refusal(&here, data, len), 0);
	dirtab_release(&t);
	free(data);
}
END_TEST

START_TEST(what_is_cut_or_changed_is_refused)
{
	size_t len;
	unsigned char *data = written(&len);

	for (size_t n = 0; n < len; n++)
		ck_assert_int_eq(refusal(&here, data, n), EBADMSG);
	for (size_t i = 0; i < len; i++) {
		data[i] ^= 0x10;
		ck_assert_int_eq(refusal(&here, data, len), EBADMSG);
		data[i] ^= 0x10;
	}
	ck_assert_int_eq(refusal(&here, data, len), 0);
	free(data);
}
END_TEST

START_TEST(another_root_or_other_notifications_are_refused)
{
	struct snapshot_root other[] = { here, here, here };
	size_t len;
	unsigned char *data = written(&len);

	other[0].dev++;
	other[1].ino++;
	other[2].mask++;
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(refusal(&other[i], data, len), ESTALE);
	free(data);
}
END_TEST

/* Each with its right sum: what is left is what the fields say. */
START_TEST(fields_that_make_no_sense_are_refused)
{
	size_t root = HEAD, first = HEAD + ENTRY, len;
	unsigned char *data = written(&len);
	uint32_t value;

	data[root + 4] = 0; /* the root without a watch */
	ck_assert_int_eq(sealed_refusal(data, len), EBADMSG);
	data[root + 4] = 1;
	data[root] = 0; /* the root below itself */
	ck_assert_int_eq(sealed_refusal(data, len), EBADMSG);
	data[root] = 0xff;
	ck_assert_int_eq(sealed_refusal(data, len), 0);
	value = 1;
	memcpy(data + first, &value, 4); /* a directory below itself */
	ck_assert_int_eq(sealed_refusal(data, len), EBADMSG);
	memset(data + first, 0, 4);
	data[first + 4] = 1; /* the watch of the root */
	ck_assert_int_eq(sealed_refusal(data, len), EBADMSG);
	data[first + 4] = 100;
	ck_assert_int_eq(sealed_refusal(data, len), 0);
	for (const char *bad = "/.\0"; bad < &"/.\0"[3]; bad++) {
		data[first + ENTRY] = (unsigned char)*bad;
		ck_assert_int_eq(sealed_refusal(data, len), EBADMSG);
	}
	data[first + ENTRY] = 'x';
	value = 1 << 30;
	memcpy(data + first + 8, &value, 4); /* a name beyond the end */
	ck_assert_int_eq(sealed_refusal(data, len), EBADMSG);
	free(data);
}
END_TEST

START_TEST(names_that_are_there_twice_are_refused)
{
	size_t len;
	unsigned char *data = written(&len), *a = memchr(data + HEAD, 'a', len - HEAD),
		      *d = memchr(data + HEAD, 'd', len - HEAD);

	*a = *d;
	ck_assert_int_eq(sealed_refusal(data, len), EBADMSG);
	free(data);
}
END_TEST

START_TEST(bytes_after_the_end_and_missing_directories_are_refused)
{
	size_t len;
	unsigned char *data = written(&len);

	data[HEAD - 4]--;
	ck_assert_int_eq(sealed_refusal(data, len), EBADMSG);
	data[HEAD - 4] += 2;
	ck_assert_int_eq(sealed_refusal(data, len), EBADMSG);
	memset(data + HEAD - 4, 0xff, 4);
	ck_assert_int_eq(sealed_refusal(data, len), EBADMSG);
	free(data);
}
END_TEST

START_TEST(a_table_that_cannot_be_told_is_not_written)
{
	static const uint16_t flags[] = { DIR_FAILED, DIR_RETRY, DIR_POLL_LIMIT,
		DIR_POLL_FAILED, DIR_POLL_BACKEND };
	struct dirtab t;
	void *data;
	size_t len;
	uint32_t dir;

	plant(&t);
	dir = dirtab_lookup(&t, "a", 1);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		t.dirs[dir].flags = flags[i];
		ck_assert_int_eq(snapshot_write(&t, &here, &data, &len), -1);
		ck_assert_int_eq(errno, ENOTSUP);
	}
	t.dirs[dir].flags = 0;
	dirtab_queue(&t, dir, false);
	ck_assert_int_eq(snapshot_write(&t, &here, &data, &len), -1);
	dirtab_take(&t);
	dirtab_set_wd(&t, dir, -1);
	ck_assert_int_eq(snapshot_write(&t, &here, &data, &len), -1);
	dirtab_set_wd(&t, dir, 3);
	dirtab_detach(&t, dir);
	ck_assert_int_eq(snapshot_write(&t, &here, &data, &len), -1);
	dirtab_release(&t);
}
END_TEST

UNIT_MAIN("snapshot", what_was_written_is_read, a_root_alone_is_enough,
    what_is_cut_or_changed_is_refused, another_root_or_other_notifications_are_refused,
    fields_that_make_no_sense_are_refused, names_that_are_there_twice_are_refused,
    bytes_after_the_end_and_missing_directories_are_refused,
    a_table_that_cannot_be_told_is_not_written)
