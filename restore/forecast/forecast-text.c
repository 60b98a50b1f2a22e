/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The forecast for people and for machines, and the machine that it is made for. */
#include <restore/forecast.h>

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include <base/cleanup.h>
#include <base/text.h>

#define COLUMNS 78

const char *forecast_colour_text(enum forecast_colour colour)
{
	static const char *const texts[] = { "green", "amber", "red" };

	return texts[colour];
}

/* In capitals where it must not be overlooked. */
static const char *mark_of(enum forecast_colour colour)
{
	static const char *const marks[] = { "green", "AMBER", "RED" };

	return marks[colour];
}

/* Words of text in lines of COLUMNS, the later ones behind indent blanks; width is what stands
 * in the first line already. */
static void add_wrapped(struct text *out, const char *text, int indent)
{
	int width = indent;

	while (*text) {
		int length = (int)strcspn(text, " ");

		if (width > indent && width + 1 + length > COLUMNS) {
			text_add(out, "\n%*s", indent, "");
			width = indent;
		}
		text_add(out, "%s%.*s", width > indent ? " " : "", length, text);
		width += (width > indent) + length;
		text += length;
		text += strspn(text, " ");
	}
	text_add(out, "\n");
}

#define ITEM_FORMAT "  %-5s  " /* begins the line of an item */
#define FACT_COLUMN 32

char *forecast_text(const struct forecast *forecast)
{
	struct text out = { 0 };

	if (forecast->item_count)
		text_add(&out, "Will it boot?\n");
	for (size_t i = 0; i < forecast->item_count; i++) {
		const struct forecast_item *item = &forecast->items[i];

		text_add(&out, ITEM_FORMAT "%-21s  ", mark_of(item->colour), item->name);
		add_wrapped(&out, item->fact, FACT_COLUMN);
	}
	if (forecast->advice_count)
		text_add(&out, "After the restore\n");
	for (size_t i = 0; i < forecast->advice_count; i++) {
		text_add(&out, "  %s:\n    ", forecast->advice[i].role);
		add_wrapped(&out, forecast->advice[i].text, 4);
	}
	return text_take(&out);
}

bool forecast_text_is_red(const char *text)
{
	AUTO_FREE char *red = text_format("\n" ITEM_FORMAT, mark_of(FORECAST_RED));

	return !red || strstr(text, red);
}

char *forecast_add_json(const struct forecast *forecast, const char *json)
{
	json_t *object = json ? json_loads(json, 0, NULL) : NULL;
	json_t *items = json_array(), *advice = json_array();
	char *text = NULL;

	for (size_t i = 0; i < forecast->item_count; i++)
		json_array_append_new(
			items, json_pack("{s:s, s:s, s:s}", "item",
					 forecast->items[i].name, "colour",
					 forecast_colour_text(forecast->items[i].colour),
					 "fact", forecast->items[i].fact));
	for (size_t i = 0; i < forecast->advice_count; i++)
		json_array_append_new(advice, json_pack("{s:s, s:s}", "role",
							forecast->advice[i].role, "text",
							forecast->advice[i].text));
	json_object_set_new(object, "forecast", items);
	json_object_set_new(object, "advice", advice);
	if (object)
		text = json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(object);
	return text;
}

/* -- the machine ---- */

#define GLOBAL	 "8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SECURITY "d719b2cb-3d3a-4596-a3bc-dad00e67656f" /* of db and dbx */

#define VARIABLE_MAX (1u << 20) /* a dbx has some 20 KiB */

/* A variable without its attributes; *ret stays NULL where there is none. */
static int read_variable(const char *folder, const char *name, uint8_t **ret,
			 size_t *ret_length, struct err *err)
{
	AUTO_FREE char *path = text_format("%s/%s", folder, name);
	AUTO_FCLOSE FILE *file = path ? fopen(path, "re") : NULL;
	AUTO_FREE uint8_t *bytes = malloc(VARIABLE_MAX);
	size_t length;

	if (!path || !bytes)
		return err_nomem(err);
	if (!file)
		return errno == ENOENT ? 0 : err_errno(err, errno, "'%s'", path);
	length = fread(bytes, 1, VARIABLE_MAX, file);
	if (ferror(file) || length < 4)
		return err_set(err, -EIO, "'%s': the variable cannot be read", path);
	memmove(bytes, bytes + 4, length - 4);
	*ret = TAKE_PTR(bytes);
	*ret_length = length - 4;
	return 0;
}

int forecast_machine_read(const char *folder, struct forecast_machine *ret,
			  struct err *err)
{
	struct forecast_machine machine = { .known = true,
					    .uefi = access(folder, F_OK) == 0 };
	AUTO_FREE uint8_t *secure = NULL;
	size_t length = 0;
	int r = 0;

	if (machine.uefi)
		r = read_variable(folder, "SecureBoot-" GLOBAL, &secure, &length, err);
	if (r == 0 && machine.uefi)
		r = read_variable(folder, "db-" SECURITY, &machine.db, &machine.db_length,
				  err);
	if (r == 0 && machine.uefi)
		r = read_variable(folder, "dbx-" SECURITY, &machine.dbx,
				  &machine.dbx_length, err);
	machine.secure_boot = length == 1 && secure[0] == 1;
	if (r < 0)
		forecast_machine_clear(&machine);
	else
		*ret = machine;
	return r;
}

void forecast_machine_clear(struct forecast_machine *machine)
{
	free(machine->db);
	free(machine->dbx);
	*machine = (struct forecast_machine){ 0 };
}
