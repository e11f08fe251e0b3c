/* SPDX-License-Identifier: ISC */
/*
 * filemon-token: verifies a JSON web token and prints what its claims tag.  Run
 * by filemond; nobody types its name.
 *
 *	filemon-token KEY-FILE TOKEN-FILE
 *
 * The key is a public key in PEM, or else the secret of an HMAC.  On standard
 * output come lines of name=value: tenant_id, user_id, session_id, as far as
 * there are claims, and exp, in seconds since 1970, 0 where it does not expire.
 * Exit code: 0 it is valid, 1 it is not, or cannot be read: standard error says
 * why, without a word of the token.
 */
#include <ctype.h>
#include <errno.h>
#include <jwt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/compiler.h"
#include "base/fd.h"

#define FILE_MAX_BYTES (64 * 1024)
#define VALUE_MAX 512

/* The first claim that is there gives the tag. */
static const struct {
	const char *tag, *claims[3];
} tags[] = {
	{ "tenant_id", { "tenant_id", "tenant", "tid" } },
	{ "user_id", { "user_id", "user", "sub" } },
	{ "session_id", { "session_id", "session", "sid" } },
};

static void NORETURN
refuse(const char *file, const char *why)
{
	fprintf(stderr, "%s: %s\n", file, why);
	exit(1);
}

static char *
read_text(const char *path, size_t *len)
{
	char *text = fd_read_file(path, FILE_MAX_BYTES, len);
	if (!text)
		refuse(path, strerror(errno));
	if (*len == 0)
		refuse(path, "it is empty");
	return text;
}

static char *
trim(char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/*
 * The token names its algorithm, and must not choose the use of the key: with a
 * public key as the secret of an HMAC everybody could sign.
 */
static bool
suits(jwt_alg_t alg, const char *key)
{
	bool is_pem = strncmp(key, "-----BEGIN", 10) == 0;
	switch (alg) {
	case JWT_ALG_HS256:
	case JWT_ALG_HS384:
	case JWT_ALG_HS512:
		return !is_pem;
	case JWT_ALG_RS256:
	case JWT_ALG_RS384:
	case JWT_ALG_RS512:
	case JWT_ALG_ES256:
	case JWT_ALG_ES384:
	case JWT_ALG_ES512:
		return is_pem;
	default:
		return false;
	}
}

static long
get_time(jwt_t *jwt, const char *claim, const char *file)
{
	errno = 0;
	long value = jwt_get_grant_int(jwt, claim);
	if (errno != 0 && errno != ENOENT)
		refuse(file, "a time in it is no number");
	return errno == 0 ? value : 0;
}

static void
check_times(jwt_t *jwt, long exp, const char *file)
{
	long now = (long)time(NULL), nbf = get_time(jwt, "nbf", file);
	if (exp != 0 && exp <= now)
		refuse(file, "the token has expired");
	if (nbf > now)
		refuse(file, "the token is not valid yet");
}

static void
check_value(const char *value, const char *file)
{
	if (strlen(value) > VALUE_MAX)
		refuse(file, "a claim is too long");
	for (; *value; value++) {
		if (iscntrl((unsigned char)*value))
			refuse(file, "a claim has a control character in it");
	}
}

static const char *
find_claim(jwt_t *jwt, const char *const *claims, size_t n)
{
	const char *value = NULL;
	for (size_t i = 0; !value && i < n; i++)
		value = jwt_get_grant(jwt, claims[i]);
	return value && *value ? value : NULL;
}

int
main(int argc, char **argv)
{
	size_t key_len, len;
	jwt_t *jwt;
	if (argc != 3) {
		fprintf(stderr, "usage: filemon-token KEY-FILE TOKEN-FILE\n");
		return 1;
	}
	char *key = read_text(argv[1], &key_len), *token = read_text(argv[2], &len);
	/* A secret in a file has the newline of its editor. */
	if (strncmp(key, "-----BEGIN", 10) != 0) {
		char *secret = trim(key, key_len);
		key_len = strlen(secret);
		memmove(key, secret, key_len + 1);
	}
	if (jwt_decode(&jwt, trim(token, len), (unsigned char *)key, (int)key_len) != 0)
		refuse(argv[2], "the token is damaged, or not signed with this key");
	if (!suits(jwt_get_alg(jwt), key))
		refuse(argv[2], "the token is not signed in a way that suits this key");
	long exp = get_time(jwt, "exp", argv[2]);
	check_times(jwt, exp, argv[2]);
	for (size_t i = 0; i < COUNTOF(tags); i++) {
		const char *value =
		    find_claim(jwt, tags[i].claims, COUNTOF(tags[i].claims));
		if (value)
			check_value(value, argv[2]);
		if (value)
			printf("%s=%s\n", tags[i].tag, value);
	}
	printf("exp=%ld\n", exp);
	jwt_free(jwt);
	free(key);
	free(token);
	return fflush(stdout) == 0 ? 0 : 1;
}
