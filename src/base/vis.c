/* SPDX-License-Identifier: ISC */
#include "base/vis.h"

#include <string.h>

bool
vis_is_harmless(const void *text, size_t len)
{
	const unsigned char *s = text;
	if (len == 1)
		return *s >= 0x20 && *s != 0x7f && *s != '\\';
	if (len == 2)
		return s[0] != 0xc2 || s[1] >= 0xa0;
	if (len == 3 && s[0] == 0xe2 && s[1] == 0x80)
		return s[2] < 0x8b || (s[2] > 0x8f && s[2] < 0xa8) || s[2] > 0xae;
	if (len == 3 && s[0] == 0xe2 && s[1] == 0x81)
		return s[2] < 0xa0 || s[2] > 0xaf;
	return len != 3 || memcmp(s, "\xef\xbb\xbf", 3) != 0;
}
