/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "ctl/subject.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "ctl/client.h"
#include "ctl/path.h"
#include "ctl/text.h"

cJSON *
subject_params(struct ctl *ctl, const struct project *project, const char *word)
{
	char *project_root[] = { project->root, NULL };
	const struct strlist usual = { project_root, 1 };
	const struct strlist *roots =
	    project->config != NULL ? &project->config->roots : &usual;
	char *cwd = get_current_dir_name();
	char *path = path_in_project(roots, cwd != NULL ? cwd : "/", word);
	cJSON *params = NULL;

	/* Of roots that cannot be read the daemon knows (one of them may be gone). */
	if (path == NULL && project->config == NULL)
		path = path_absolute(cwd != NULL ? cwd : "/", word);
	if (path != NULL) {
		params = client_path_params(path);
	} else {
		char *shown = text_vis_str(word);
		complain(ctl, "%s: not below the project %s", shown, project->shown_root);
		free(shown);
	}
	free(path);
	free(cwd);
	return params;
}
