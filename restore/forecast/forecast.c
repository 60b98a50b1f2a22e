/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The forecast: which volumes are looked at, and the process that looks. It gets the volumes
 * through the reader, or read-only from the disks, gives up all privileges, runs the checks and
 * sends what they say over a pipe; none of that is believed further than as text.
 */
#include <restore/forecast.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <base/checked.h>
#include <base/process.h>
#include <base/text.h>

#include "fixups/fixup.h"
#include "scene.h"

/* Seconds of processor time: it reads some files and two hives. */
#define CPU_MAX 300

#define ITEMS_MAX 200 /* some 15 items, as many lines of advice */

enum line_kind { LINE_ITEM, LINE_ADVICE, LINE_END };

struct line {
	uint32_t kind;
	uint32_t colour;
	char name[64];
	char text[1024];
};

void forecast_clear(struct forecast *forecast)
{
	for (size_t i = 0; i < forecast->item_count; i++) {
		free(forecast->items[i].name);
		free(forecast->items[i].fact);
	}
	for (size_t i = 0; i < forecast->advice_count; i++) {
		free(forecast->advice[i].role);
		free(forecast->advice[i].text);
	}
	free(forecast->items);
	free(forecast->advice);
	*forecast = (struct forecast){ 0 };
}

bool forecast_is_red(const struct forecast *forecast)
{
	for (size_t i = 0; i < forecast->item_count; i++)
		if (forecast->items[i].colour == FORECAST_RED)
			return true;
	return false;
}

/* -- the child ---- */

static int send_line(int fd, const struct line *line, struct err *err)
{
	const uint8_t *next = (const uint8_t *)line;
	size_t length = sizeof(*line);

	while (length) {
		ssize_t n = write(fd, next, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "the forecast cannot be told");
		next += n;
		length -= (size_t)n;
	}
	return 0;
}

static int say(struct scene *scene, enum forecast_colour colour, const char *name,
	       const char *fact, struct err *err)
{
	struct line line = { .kind = LINE_ITEM, .colour = colour };

	snprintf(line.name, sizeof(line.name), "%s", name);
	snprintf(line.text, sizeof(line.text), "%s", fact);
	return send_line(*(int *)scene->context, &line, err);
}

static int advise_line(struct scene *scene, const char *role, const char *text,
		       struct err *err)
{
	struct line line = { .kind = LINE_ADVICE };

	snprintf(line.name, sizeof(line.name), "%s", role);
	snprintf(line.text, sizeof(line.text), "%s", text);
	return send_line(*(int *)scene->context, &line, err);
}

static int run_checks(struct scene *scene, const struct forecast_check *checks,
		      size_t count, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		if (checks[i].applies(scene))
			r = checks[i].run(scene, checks[i].name, err);
	return r;
}

static __attribute__((noreturn)) void child_main(struct scene *scene, pid_t engine,
						 int out)
{
	struct line end = { .kind = LINE_END };
	struct err err = { 0 };
	int r;

	scene->say = say;
	scene->advise = advise_line;
	scene->context = &out;
	r = process_limit_processor(CPU_MAX, &err);
	if (r == 0)
		r = fixup_jail(engine, &err);
	if (r == 0)
		r = run_checks(scene, forecast_firmware_checks,
			       forecast_firmware_check_count, &err);
	if (r == 0)
		r = scene_load_system(scene, &err);
	if (r == 0)
		r = run_checks(scene, forecast_windows_checks,
			       forecast_windows_check_count, &err);
	if (r == 0)
		r = advise(scene, &err);
	end.colour = r < 0;
	snprintf(end.text, sizeof(end.text), "%s", err.text);
	_exit(send_line(out, &end, &err) < 0);
}

/* -- the engine's side ---- */

static int add_item(struct forecast *forecast, uint32_t colour, const char *name,
		    const char *fact, struct err *err)
{
	struct forecast_item *items =
		reallocarray(forecast->items, forecast->item_count + 1, sizeof(*items));
	struct forecast_item *item;

	if (!items)
		return err_nomem(err);
	forecast->items = items;
	item = &items[forecast->item_count++];
	*item = (struct forecast_item){ FORECAST_RED, strdup(name), strdup(fact) };
	if (colour < FORECAST_RED)
		item->colour = (enum forecast_colour)colour;
	return item->name && item->fact ? 0 : err_nomem(err);
}

static int add_advice(struct forecast *forecast, const char *role, const char *text,
		      struct err *err)
{
	struct forecast_advice *list =
		reallocarray(forecast->advice, forecast->advice_count + 1, sizeof(*list));
	struct forecast_advice *advice;

	if (!list)
		return err_nomem(err);
	forecast->advice = list;
	advice = &list[forecast->advice_count++];
	*advice = (struct forecast_advice){ strdup(role), strdup(text) };
	return advice->role && advice->text ? 0 : err_nomem(err);
}

static void make_printable(char *text, size_t room)
{
	text[room - 1] = '\0';
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
}

static int receive_line(int fd, struct line *line, struct err *err)
{
	uint8_t *next = (uint8_t *)line;
	size_t length = sizeof(*line);

	while (length) {
		ssize_t n = read(fd, next, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, -EPIPE,
				       "the process that makes the forecast is gone");
		next += n;
		length -= (size_t)n;
	}
	make_printable(line->name, sizeof(line->name));
	make_printable(line->text, sizeof(line->text));
	return 0;
}

static int receive(int fd, struct forecast *forecast, struct err *err)
{
	struct line line;
	int r;

	for (unsigned i = 0; i < ITEMS_MAX; i++) {
		r = receive_line(fd, &line, err);
		if (r < 0)
			return r;
		if (line.kind == LINE_END)
			return line.colour ? err_set(err, -EIO, "%s", line.text) : 0;
		r = line.kind == LINE_ITEM
			    ? add_item(forecast, line.colour, line.name, line.text, err)
			    : add_advice(forecast, line.name, line.text, err);
		if (r < 0)
			return r;
	}
	return err_set(err, -EPROTO, "the forecast has more than %d lines", ITEMS_MAX);
}

/* A forecast that could not be made is one of its items. */
static int run_process(struct scene *scene, struct forecast *ret, struct err *err)
{
	AUTO(forecast_clear) struct forecast forecast = { 0 };
	AUTO_CLOSE int in = -1;
	struct err fault = { 0 };
	pid_t engine = getpid(), pid;
	char how[PROCESS_END_SIZE];
	int pipe_fds[2], status = 0, r;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	in = pipe_fds[0];
	pid = fork();
	if (pid == 0)
		child_main(scene, engine, pipe_fds[1]);
	close(pipe_fds[1]);
	if (pid < 0)
		return err_errno(err, errno, "fork");
	r = receive(in, &forecast, &fault);
	if (r < 0) /* how it ended, where it has, stays as it is */
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r == -EPIPE) {
		process_describe_end(status, CPU_MAX, how);
		err_set(&fault, -EPIPE, "the process that makes the forecast %s", how);
	}
	if (r < 0)
		r = add_item(&forecast, FORECAST_AMBER, "forecast", fault.text, err);
	if (r < 0)
		return r;
	*ret = forecast;
	forecast = (struct forecast){ 0 };
	return 0;
}

/* -- which volumes ---- */

static bool is_looked_at(const struct restore_plan *plan, size_t index)
{
	const struct backup_volume *volume = plan->partitions[index].volume;

	if (partition_is_esp(plan->after, &plan->after->partitions[index]))
		return true;
	return volume && (volume->role == ROLE_ESP || volume->role == ROLE_SYSTEM ||
			  volume->role == ROLE_WINDOWS ||
			  plan->after->partitions[index].mbr_active);
}

static enum volume_role role_of(const struct restore_plan *plan, size_t index)
{
	const struct backup_volume *volume = plan->partitions[index].volume;

	if (!volume || partition_is_esp(plan->after, &plan->after->partitions[index]))
		return ROLE_ESP;
	return volume->role;
}

/* A partition as it lies on the disk. */
static int open_on_disk(const struct restore_plan *plan, size_t index,
			struct block_source **ret, struct err *err)
{
	const struct disk_partition *p = &plan->after->partitions[index];
	struct block_source *disk;
	int r = source_file_open(plan->disk->path, &disk, err);

	return r < 0 ? r
		     : source_slice_new(disk, true, p->offset, p->length,
					plan_partition_name(plan, index), ret, err);
}

/* What opens one volume: in the reader, or on the disk. */
struct opener {
	struct reader *reader; /* NULL: the disk as it is now */
	size_t count;
	unsigned numbers[SCENE_VOLUMES]; /* of the reader */
};

static int open_volume(struct opener *opener, struct scene_volume *volume,
		       struct err *err)
{
	const struct plan_partition *partition = &volume->plan->partitions[volume->index];
	uint64_t length;
	int r;

	volume->on_disk = !opener->reader || partition->kept;
	if (volume->on_disk)
		return open_on_disk(volume->plan, volume->index, &volume->source, err);
	r = reader_open_volume(opener->reader, partition->volume,
			       &opener->numbers[opener->count], &length, err);
	if (r < 0)
		return r;
	return reader_source(opener->reader, opener->numbers[opener->count++],
			     &volume->source, err);
}

static int add_volume(struct scene *scene, struct opener *opener,
		      const struct restore_plan *plan, size_t index, struct err *err)
{
	const struct plan_partition *partition = &plan->partitions[index];
	struct scene_volume *volume = &scene->volumes[scene->count];
	int r;

	/* created empty: as good as not there */
	if (!is_looked_at(plan, index) || scene->count == SCENE_VOLUMES ||
	    (!partition->volume && !partition->kept && opener->reader))
		return 0;
	*volume = (struct scene_volume){
		.plan = plan,
		.index = index,
		.role = role_of(plan, index),
		.active = plan->after->style == TABLE_MBR &&
			  plan->after->partitions[index].mbr_active,
	};
	r = open_volume(opener, volume, err);
	if (r == 0)
		scene->count++;
	return r;
}

static int close_volumes(struct scene *scene, struct opener *opener, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < scene->count; i++)
		source_close(scene->volumes[i].source);
	for (size_t i = 0; i < opener->count; i++) {
		struct err fault = { 0 };
		int closed =
			reader_close_volume(opener->reader, opener->numbers[i], &fault);

		if (closed < 0 && r == 0)
			r = err_set(err, closed, "%s", fault.text);
	}
	return r;
}

static int make(const struct plan_set *set, struct opener *opener,
		const struct forecast_machine *machine, struct forecast *ret,
		struct err *err)
{
	AUTO_FREE struct scene *scene = calloc(1, sizeof(*scene));
	struct err fault = { 0 };
	int r = 0, closed;

	if (!scene)
		return err_nomem(err);
	scene->set = set;
	scene->machine = machine;
	scene->uefi = set->count && set->plans[0]->uefi;
	scene->made_anew =
		opener->reader && set->count && plan_converts_firmware(set->plans[0]);
	for (size_t p = 0; p < set->count; p++)
		for (size_t i = 0; r == 0 && i < set->plans[p]->after->count; i++)
			r = add_volume(scene, opener, set->plans[p], i, &fault);
	if (r == 0)
		r = run_process(scene, ret, err);
	else
		r = add_item(ret, FORECAST_AMBER, "forecast", fault.text, err);
	closed = close_volumes(scene, opener, r < 0 ? NULL : err);
	return r < 0 ? r : closed;
}

int forecast_backup(const struct plan_set *set, struct reader *reader,
		    const struct forecast_machine *machine, struct forecast *ret,
		    struct err *err)
{
	struct opener opener = { .reader = reader };

	*ret = (struct forecast){ 0 };
	return make(set, &opener, machine, ret, err);
}

int forecast_disks(const struct plan_set *set, const struct forecast_machine *machine,
		   struct forecast *ret, struct err *err)
{
	struct opener opener = { 0 };

	*ret = (struct forecast){ 0 };
	return make(set, &opener, machine, ret, err);
}
