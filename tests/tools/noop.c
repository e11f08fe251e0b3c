/* SPDX-License-Identifier: ISC */

/* The smallest handler there is: linked statically, does nothing, succeeds. */

int
main(void)
{
	return 0;
}
