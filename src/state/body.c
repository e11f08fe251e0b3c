/* SPDX-License-Identifier: ISC */
#include "state/body.h"

#include <string.h>

/* A signature in which what does not count is the same everywhere. */
static int64_t
shape_of(const struct sig *sig)
{
	struct sig shape = *sig;
	shape.ctime = 0;
	shape.meta = 0;
	return sig_hash(&shape);
}

void
body_set(struct body *body, const struct sig *sig, const unsigned char *sum)
{
	memset(body, 0, sizeof(*body));
	body->shape = shape_of(sig);
	body->meta = sig->meta;
	body->known = sum != NULL;
	if (sum)
		memcpy(body->sum, sum, sizeof(body->sum));
}

bool
body_counts(const struct config *config)
{
	return config->compare == COMPARE_HASH || config->ignore_metadata;
}

bool
body_is_same(
    const struct config *config, const struct body *delivered, const struct body *seen)
{
	bool saved = delivered->shape != seen->shape;
	if (!delivered->known || !seen->known ||
	    memcmp(delivered->sum, seen->sum, sizeof(seen->sum)) != 0)
		return false;
	if (config->compare == COMPARE_HASH)
		return config->ignore_metadata ||
		    (saved && delivered->meta == seen->meta);
	return config->ignore_metadata && !saved;
}
