/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an administrator has to do after a restore, by the roles that the machine had: a table.
 * Facts of domain controllers: Microsoft, "Virtualizing domain controllers" (USN rollback,
 * "Database restored from backup"), KB 216993 (tombstone lifetime 60 or 180 days), KB 2218556
 * (authoritative SYSVOL).
 */
#include <string.h>
#include <time.h>

#include <base/text.h>

#include "scene.h"
#include "services.h"

#define DAY 86400

/* What the table asks. */
struct machine_facts {
	const struct service_list *services;
	const struct backup_version *version;
	int64_t age_days; /* of the backup; -1: not known */
};

/* Is a service of this name, or "NAME$instance", there and not disabled? */
static bool has_service(const struct machine_facts *facts, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < facts->services->count; i++) {
		const struct service *service = &facts->services->services[i];

		if (service->start != SERVICE_DISABLED && service->start != UINT32_MAX &&
		    strncasecmp(service->name, name, length) == 0 &&
		    (!service->name[length] || service->name[length] == '$'))
			return true;
	}
	return false;
}

static bool is_domain_controller(const struct machine_facts *facts)
{
	return facts->services->product &&
	       strcasecmp(facts->services->product, "LanmanNT") == 0;
}

static bool is_older_than_60_days(const struct machine_facts *facts)
{
	return is_domain_controller(facts) && facts->age_days > 60;
}

/* The default instance, or any named one. */
static bool has_sql(const struct machine_facts *facts)
{
	return has_service(facts, "MSSQLSERVER") || has_service(facts, "MSSQL");
}

static bool has_bitlocker(const struct machine_facts *facts)
{
	return facts->services->bitlocker;
}

static bool has_refs(const struct machine_facts *facts)
{
	for (size_t i = 0; i < facts->version->volume_count; i++)
		if (facts->version->volumes[i].fs.fs == FS_REFS)
			return true;
	return false;
}

static const struct advice_rule {
	const char *role;
	bool (*applies)(const struct machine_facts *facts);
	const char *service; /* or: this service is there */
	const char *text;
} rules[] = {
	{ "domain controller", is_domain_controller, NULL,
	  "keep it off the network at first, start it in Directory Services Restore Mode "
	  "and "
	  "set HKLM\\SYSTEM\\CurrentControlSet\\Services\\NTDS\\Parameters 'Database "
	  "restored "
	  "from backup' = 1 (REG_DWORD): else its partners ignore what it changes (USN "
	  "rollback)" },
	{ "domain controller", is_domain_controller, NULL,
	  "SYSVOL: if it is the only domain controller, or all are restored, make it "
	  "authoritative on exactly one (msDFSR-options = 1, or BurFlags D4 with FRS); "
	  "on "
	  "all others it comes by replication" },
	{ "domain controller", is_older_than_60_days, NULL,
	  "the backup is older than 60 days, the least tombstone lifetime (180 days "
	  "since "
	  "Server 2003 SP1): where it is exceeded and other domain controllers live, do "
	  "not "
	  "connect it, but remove it from the domain and promote a new one" },
	{ "certification authority", NULL, "CertSvc",
	  "certificates that were issued or revoked after the backup are unknown to it: "
	  "publish a new revocation list" },
	{ "Hyper-V host", NULL, "vmms",
	  "virtual machines on volumes that were not restored are imported again, the "
	  "others "
	  "are as old as the backup; look at virtual switches, they are bound to network "
	  "cards" },
	{ "cluster node", NULL, "ClusSvc",
	  "the other nodes' cluster database wins when it joins; only where all nodes "
	  "are "
	  "lost, restore it authoritatively (wbadmin start recovery -itemtype:app "
	  "-items:cluster)" },
	{ "SQL Server", has_sql, NULL,
	  "databases are as of the backup: restore newer backups and logs on top, run "
	  "DBCC "
	  "CHECKDB" },
	{ "Exchange", NULL, "MSExchangeIS",
	  "databases are as of the backup: look at their state with eseutil /mh, replay "
	  "newer logs; reseed copies in a DAG" },
	{ "SharePoint", NULL, "SPTimerV4",
	  "the farm's databases must be of the same time as this server" },
	{ "DHCP server", NULL, "DHCPServer",
	  "leases given after the backup are unknown to it: switch conflict detection on "
	  "for "
	  "a while" },
	{ "deduplication", NULL, "ddpsvc",
	  "deduplicated volumes came back block by block; check them with Start-DedupJob "
	  "-Type Scrubbing" },
	{ "ReFS volume", has_refs, NULL,
	  "ReFS was copied as it was, with its length; it cannot be shrunk, and nothing "
	  "in it "
	  "was checked" },
	{ "BitLocker", has_bitlocker, NULL,
	  "the system volume was encrypted, the restored one is not: switch BitLocker on "
	  "again; old recovery keys are of no use" },
};

static int apply_rules(struct scene *scene, const struct machine_facts *facts,
		       struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rules); i++)
		if (rules[i].applies ? rules[i].applies(facts)
				     : has_service(facts, rules[i].service))
			r = scene->advise(scene, rules[i].role, rules[i].text, err);
	return r;
}

int advise(struct scene *scene, struct err *err)
{
	AUTO(service_list_clear) struct service_list list = { 0 };
	struct machine_facts facts = { .services = &list, .age_days = -1 };
	struct err fault = { 0 };

	if (!scene->set->count)
		return 0;
	facts.version = scene->set->plans[0]->version;
	if (facts.version->time.origin)
		facts.age_days =
			((int64_t)time(NULL) - (int64_t)facts.version->time.value) / DAY;
	if (scene->system.bytes && service_list_read(&scene->system, &list, &fault) < 0 &&
	    fault.code == -ENOMEM)
		return err_nomem(err);
	return apply_rules(scene, &facts, err);
}
