/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bmr files: lists what is in a volume of a backup and takes files out of it. */
#include "files-newer.h"
#include "files-target.h"
#include "options.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include <base/checked.h>
#include <base/text.h>

#define AT(member) offsetof(struct files_cli, member)

static const struct cli_option cli_options[] = {
	{ "from", option_text, AT(source.text) },
	{ "credentials", option_text, AT(source.credentials) },
	{ "encrypt", option_encrypt, AT(source) },
	{ "unlock", option_text, AT(source.unlock) },
	{ "machine", option_text, AT(machine) },
	{ "version", option_text, AT(version) },
	{ "volume", option_text, AT(volume) },
	{ "disk", option_text, AT(disk) },
	{ "to", option_text, AT(to) },
	{ "to-credentials", option_text, AT(to_credentials) },
	{ "since", option_text, AT(since) },
	{ "all", option_flag, AT(all), .is_flag = true },
	{ "long", option_flag, AT(is_long), .is_flag = true, .letters = "l" },
	{ "recursive", option_flag, AT(recursive), .is_flag = true, .letters = "rR" },
	{ "json", option_flag, AT(json), .is_flag = true },
	{ "progress-fd", option_progress_fd, AT(progress_fd) },
};

/* Of newer both, of the others one of them. */
static enum exit_status check(const struct files_cli *cli, bool newer)
{
	if (newer && (!cli->disk || (!cli->source.text && !cli->since)))
		return command_usage(
			&command_files,
			"--disk WHICH, and --from SOURCE or --since TIME, are "
			"needed");
	if (!newer && !cli->source.text == !cli->disk)
		return command_usage(&command_files,
				     "--from SOURCE or --disk WHICH, one of them");
	return EXIT_DONE;
}

static enum exit_status parse(int argc, char **argv, struct files_cli *ret)
{
	enum exit_status status;

	*ret = (struct files_cli){ .source = { .may_prompt = true } };
	status = options_parse(&command_files, cli_options, ARRAY_SIZE(cli_options), argc,
			       argv, ret);
	if (status != EXIT_DONE)
		return status;
	ret->path_count = (size_t)(argc - optind);
	ret->paths = argv + optind;
	return EXIT_DONE;
}

/* -- ls --------------------------------------------------------------------------- */

static enum exit_status run_list(const struct files_cli *cli, struct files_place *place)
{
	char *root = (char *)"/";
	struct files_cli of_root = *cli;

	if (cli->path_count)
		return files_list(&command_files, cli, place);
	if (place->backup && !cli->volume) {
		files_print_volumes(place, cli->json);
		return EXIT_DONE;
	}
	of_root.path_count = 1;
	of_root.paths = &root;
	return files_list(&command_files, &of_root, place);
}

/* -- cat -------------------------------------------------------------------------- */

static int copy_out(struct reader *reader, unsigned item, uint64_t size, struct err *err)
{
	AUTO(source_freep) struct block_source *source = NULL;
	AUTO_FREE uint8_t *buffer = malloc(READER_SLOT_SIZE);
	int r = buffer ? reader_source(reader, item, &source, err) : err_nomem(err);

	for (uint64_t at = 0; r == 0 && at < size;) {
		size_t part = (size_t)min_u64(size - at, READER_SLOT_SIZE);

		r = source_read(source, buffer, at, part, err);
		if (r == 0 && fwrite(buffer, 1, part, stdout) != part)
			r = err_errno(err, errno, "standard output");
		at += part;
	}
	if (r == 0 && fflush(stdout) != 0)
		r = err_errno(err, errno, "standard output");
	return r;
}

static enum exit_status run_cat(const struct files_cli *cli, struct files_place *place)
{
	struct err err = { 0 };
	int r = 0;

	if (!cli->path_count)
		return command_usage(&command_files, "no file is named");
	for (size_t i = 0; i < cli->path_count && r == 0; i++) {
		AUTO_FREE char *path = NULL;
		const char *stream = "";
		unsigned item = 0;
		uint64_t size = 0;

		r = files_place_enter(cli, cli->paths[i], place, &path, &stream, &err);
		if (r == 0)
			r = reader_open_item(place->reader, place->volume,
					     &(struct item_address){ 0, path }, stream,
					     &item, &size, &err);
		if (r < 0)
			break;
		r = copy_out(place->reader, item, size, &err);
		if (r == 0)
			r = reader_close_volume(place->reader, item, &err);
	}
	return r < 0 ? command_fail(&command_files, &err) : EXIT_DONE;
}

/* -- get -------------------------------------------------------------------------- */

void files_tell_event(enum files_event event, const char *path, const char *text,
		      void *context)
{
	static const char *const words[] = { [FILES_SKIPPED] = "skipped",
					     [FILES_INCOMPLETE] = "incomplete",
					     [FILES_ODD] = "changed",
					     [FILES_LINK] = "link" };
	struct files_place *place = context;

	progress_end(&place->display);
	printf("%s: ", words[event]);
	files_put(path, stdout);
	printf("%s", event == FILES_LINK ? " -> " : ": ");
	files_put(text, stdout);
	putchar('\n');
}

int files_show_progress(const char *path, const struct files_sum *sum, void *context)
{
	struct files_place *place = context;

	return progress_files(&place->display, path, sum->files, sum->folders,
			      sum->bytes);
}

void files_print_sum(const struct files_cli *cli, const struct files_sum *sum)
{
	char bytes[SIZE_TEXT_SIZE];

	if (cli->json) {
		printf("{\"files\": %" PRIu64 ", \"folders\": %" PRIu64
		       ", \"bytes\": %" PRIu64 ", \"streams\": %" PRIu64
		       ", \"links\": %" PRIu64 ", \"skipped\": %" PRIu64
		       ", \"incomplete\": %" PRIu64 ", \"changed\": %" PRIu64 "}\n",
		       sum->files, sum->folders, sum->bytes, sum->streams, sum->links,
		       sum->skipped, sum->incomplete, sum->odd);
		return;
	}
	printf("%" PRIu64 " files and %" PRIu64 " folders, %s", sum->files, sum->folders,
	       size_format(sum->bytes, bytes));
	if (sum->streams)
		printf(", %" PRIu64 " streams", sum->streams);
	if (sum->links)
		printf("; %" PRIu64 " links are only told of", sum->links);
	if (sum->odd)
		printf("; %" PRIu64 " changed", sum->odd);
	if (sum->skipped)
		printf("; %" PRIu64 " SKIPPED", sum->skipped);
	if (sum->incomplete)
		printf("; %" PRIu64 " INCOMPLETE", sum->incomplete);
	putchar('\n');
}

static int get_all(const struct files_cli *cli, struct files_place *place,
		   struct file_target *target, struct files_sum *sum, struct err *err)
{
	const struct files_options options = { .tell = files_tell_event,
					       .progress = files_show_progress,
					       .context = place };
	int r = 0;

	for (size_t i = 0; i < cli->path_count && r == 0; i++) {
		AUTO_FREE char *path = NULL;
		const char *stream = "";

		r = files_place_enter(cli, cli->paths[i], place, &path, &stream, err);
		if (r == 0 && stream[0])
			r = err_set(err, -EINVAL,
				    "'%s': a stream comes with its file, or alone by "
				    "'bmr files cat'",
				    cli->paths[i]);
		if (r == 0)
			r = files_get(place->reader, place->volume, path, target,
				      &options, sum, err);
	}
	if (r == 0)
		r = target->ops->flush(target, err);
	return r;
}

static enum exit_status run_get(const struct files_cli *cli, struct files_place *place)
{
	struct files_destination destination = { 0 };
	struct files_sum sum = { 0 };
	struct err err = { 0 };
	int r;

	if (!cli->path_count || !cli->to)
		return command_usage(&command_files, "PATH... and --to DESTINATION are "
						     "needed");
	r = files_destination_open(cli, &destination, &err);
	if (r < 0)
		return command_fail(&command_files, &err);
	r = get_all(cli, place, destination.target, &sum, &err);
	progress_end(&place->display);
	files_destination_close(&destination);
	files_print_sum(cli, &sum);
	if (r < 0)
		return command_fail(&command_files, &err);
	return sum.skipped || sum.incomplete ? EXIT_FAILED : EXIT_DONE;
}

/* -- all -------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum exit_status (*run)(const struct files_cli *cli, struct files_place *place);
} actions[] = {
	{ "ls", run_list },
	{ "get", run_get },
	{ "cat", run_cat },
	{ "newer", NULL }, /* of a disk alone: files_newer() */
};

static enum exit_status run_files(int argc, char **argv)
{
	struct files_place place = { 0 };
	struct files_cli cli;
	struct err err = { 0 };
	enum exit_status status;
	size_t i = 0;

	while (i < ARRAY_SIZE(actions) &&
	       (argc < 2 || strcmp(argv[1], actions[i].name) != 0))
		i++;
	if (i == ARRAY_SIZE(actions))
		return command_usage(&command_files,
				     "'ls', 'get', 'cat' or 'newer' is needed");
	status = parse(argc - 1, argv + 1, &cli);
	if (status == EXIT_DONE)
		status = check(&cli, !actions[i].run);
	if (status != EXIT_DONE)
		return status;
	if (!actions[i].run)
		return files_newer(&command_files, &cli);
	if (files_place_start(&cli, &place, &err) < 0)
		return command_fail(&command_files, &err);
	status = actions[i].run(&cli, &place);
	files_place_clear(&place);
	return status;
}

const struct command command_files = {
	.name = "files",
	.group = "Backups",
	.usage = "files ls  --from SOURCE [-l] [-r] [PATH...]\n"
		 "       bmr files get --from SOURCE PATH... --to DESTINATION\n"
		 "       bmr files cat --from SOURCE PATH[:STREAM]\n"
		 "       bmr files newer --from SOURCE --disk WHICH [--to DESTINATION]",
	.summary = "list files of a backup's volumes and take them out",
	.help = "PATH is C:\\Users\\x, or /Users/x in the volume of --volume. Any volume "
		"of a "
		"set, whole\n"
		"or not, NTFS, FAT or exFAT; ls without PATH lists the volumes.\n"
		"\n"
		"DESTINATION is a folder, smb://[DOMAIN;]user@host/share/path, or\n"
		"disk:WHICH/PARTITION[/FOLDER], a partition of a disk of this machine "
		"that "
		"is\n"
		"mounted for that (FAT, exFAT, NTFS; ext4 where the kernel has it); "
		"FOLDER is "
		"made. "
		"Nothing there is "
		"overwritten. "
		"Times are\n"
		"kept, sparse files stay sparse, streams become attributes user.NAME or "
		"files\n"
		"NAME:STREAM, hard links stay one file; links are told, not followed. "
		"What "
		"cannot\n"
		"be had (encrypted, deduplicated, in a cloud, damaged) is named, and the "
		"exit\n"
		"status is 1.\n"
		"\n"
		"  --from SOURCE         as for 'bmr scan'\n"
		"  --disk WHICH          instead: a disk of this machine, or an image "
		"file, "
		"as it\n"
		"                        is; --volume is then the number of a partition\n"
		"  --machine NAME, --version WHEN, --credentials FILE, --encrypt WHEN,\n"
		"  --unlock FILE         as 'bmr show' has them\n"
		"  --volume V            C:, ESP, {volume GUID}, label or image file; "
		"for "
		"paths\n"
		"                        without a letter\n"
		"  -l, --long            attributes, hard links, sizes, times, streams, "
		"where "
		"links\n"
		"                        lead. Attributes: d folder, l link, r "
		"read-only, h "
		"hidden,\n"
		"                        s system, z compressed, p sparse, ! cannot be "
		"had\n"
		"  -r, --recursive       all below, too\n"
		"  --to DESTINATION      where get puts them\n"
		"  --to-credentials FILE login for a share that get writes to; default: "
		"asked "
		"for\n"
		"\n"
		"newer lists the files on the NTFS volumes of a disk that were written "
		"after "
		"the\n"
		"backup (or --since 2026-08-31T21:00Z) and would be lost in a restore; "
		"with "
		"--to it\n"
		"saves them. Those of Windows itself (logs, caches) only with --all.\n"
		"\n"
		"  --json                for machines\n" PROGRESS_FD_HELP,
	.run = run_files,
};
