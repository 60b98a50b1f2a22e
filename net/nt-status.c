/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NT status codes: see nt-status.h. */
#include <net/nt-status.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <base/cleanup.h>

#define SEVERITY_ERROR		 0xc0000000u /* the two highest bits, [MS-ERREF] 2.3 */
#define MORE_PROCESSING_REQUIRED 0xc0000016u /* the login takes another round */

static const char allow_ntlm[] =
	"allow NTLM for this account at the server and in the domain, or use a local "
	"account of the server";
static const char ask_administrator[] = "have the account looked at where it is managed";
static const char check_path[] = "check the path; 'bmr net folders' lists what is there";
static const char check_rights[] =
	"give this user the right to read there, in the share's "
	"permissions and in the folder's";
static const char check_share[] =
	"check the share's name; 'bmr net shares' lists those that "
	"there are";
static const char try_later[] = "try again later, or end other connections at the server";

static const struct nt_status statuses[] = {
	{ 0xc000000d, "NT_STATUS_INVALID_PARAMETER",
	  "the server does not take the request",
	  "bring the server up to date, or allow it SMB 3" },
	{ 0xc000000f, "NT_STATUS_NO_SUCH_FILE", "there is no such file", check_path },
	{ 0xc0000022, "NT_STATUS_ACCESS_DENIED", "access is denied", check_rights },
	{ 0xc0000033, "NT_STATUS_OBJECT_NAME_INVALID", "the name is none", check_path },
	{ 0xc0000034, "NT_STATUS_OBJECT_NAME_NOT_FOUND", "there is nothing of that name",
	  check_path },
	{ 0xc000003a, "NT_STATUS_OBJECT_PATH_NOT_FOUND",
	  "a folder of the path is not there", check_path },
	{ 0xc0000043, "NT_STATUS_SHARING_VIOLATION", "another program has the file open",
	  "end that program at the server: a backup may be running" },
	{ 0xc000005e, "NT_STATUS_NO_LOGON_SERVERS",
	  "the server reaches no domain controller that could check the login",
	  "use a local account of the server: SERVER\\user" },
	{ 0xc0000064, "NT_STATUS_NO_SUCH_USER", "there is no such user",
	  "check the user's name, and its domain" },
	{ 0xc000006a, "NT_STATUS_WRONG_PASSWORD", "the password is wrong",
	  "check the password and the keyboard layout that it is typed with" },
	{ 0xc000006d, "NT_STATUS_LOGON_FAILURE", "name or password is wrong",
	  "check name, domain, password, and the keyboard layout that it is typed with" },
	{ 0xc000006e, "NT_STATUS_ACCOUNT_RESTRICTION",
	  "the account is restricted, or has an empty password",
	  "give it a password; one of 'Protected Users' may not use NTLM, and there is "
	  "no Kerberos here: use another" },
	{ 0xc000006f, "NT_STATUS_INVALID_LOGON_HOURS",
	  "the account may not log in at this hour", ask_administrator },
	{ 0xc0000070, "NT_STATUS_INVALID_WORKSTATION",
	  "the account may not log in from this machine", ask_administrator },
	{ 0xc0000071, "NT_STATUS_PASSWORD_EXPIRED", "the password has expired",
	  "change it on a machine of the domain, or use another account" },
	{ 0xc0000072, "NT_STATUS_ACCOUNT_DISABLED", "the account is disabled",
	  "enable the account, or use another one" },
	{ 0xc000007f, "NT_STATUS_DISK_FULL", "the server's disk is full",
	  "make room there, or choose another share" },
	{ 0xc00000a2, "NT_STATUS_MEDIA_WRITE_PROTECTED", "the share is read-only",
	  "allow writing to it at the server, or choose another share" },
	{ 0xc00000ac, "NT_STATUS_PIPE_NOT_AVAILABLE", "the server is out of connections",
	  try_later },
	{ 0xc00000ba, "NT_STATUS_FILE_IS_A_DIRECTORY", "this is a folder", check_path },
	{ 0xc00000bb, "NT_STATUS_NOT_SUPPORTED",
	  "the server does not support this, perhaps no NTLM logins", allow_ntlm },
	{ 0xc00000c3, "NT_STATUS_INVALID_NETWORK_RESPONSE", "the answer makes no sense",
	  "look for a device between here and the server that changes messages" },
	{ 0xc00000c9, "NT_STATUS_NETWORK_NAME_DELETED", "the share is no longer there",
	  check_share },
	{ 0xc00000ca, "NT_STATUS_NETWORK_ACCESS_DENIED", "access by network is denied",
	  check_rights },
	{ 0xc00000cc, "NT_STATUS_BAD_NETWORK_NAME", "there is no such share",
	  check_share },
	{ 0xc00000d0, "NT_STATUS_REQUEST_NOT_ACCEPTED",
	  "the server has as many connections as it takes", try_later },
	{ 0xc0000103, "NT_STATUS_NOT_A_DIRECTORY", "this is no folder", check_path },
	{ 0xc0000133, "NT_STATUS_TIME_DIFFERENCE_AT_DC",
	  "the clocks of the server and of its domain are apart",
	  "set the clock of the server" },
	{ 0xc000015b, "NT_STATUS_LOGON_TYPE_NOT_GRANTED",
	  "the account may not log in by network",
	  "grant it 'Access this computer from the network', or use another account" },
	{ 0xc000018c, "NT_STATUS_TRUSTED_DOMAIN_FAILURE",
	  "the server's domain does not trust the user's",
	  "use an account of the server's own domain" },
	{ 0xc000018d, "NT_STATUS_TRUSTED_RELATIONSHIP_FAILURE",
	  "the server has lost the trust of its domain",
	  "use a local account of the server: SERVER\\user" },
	{ 0xc0000193, "NT_STATUS_ACCOUNT_EXPIRED", "the account has expired",
	  ask_administrator },
	{ 0xc0000199, "NT_STATUS_NOLOGON_WORKSTATION_TRUST_ACCOUNT",
	  "this is a computer's account", "use a user's account" },
	{ 0xc0000203, "NT_STATUS_USER_SESSION_DELETED",
	  "the server has ended the session", try_later },
	{ 0xc0000205, "NT_STATUS_INSUFF_SERVER_RESOURCES", "the server is out of memory",
	  try_later },
	{ 0xc0000224, "NT_STATUS_PASSWORD_MUST_CHANGE",
	  "the password must be changed before the first login",
	  "change it on another machine, or use another account" },
	{ 0xc0000234, "NT_STATUS_ACCOUNT_LOCKED_OUT",
	  "the account is locked after wrong passwords",
	  "wait for the time of the lock-out, or have it unlocked" },
	{ 0xc0000257, "NT_STATUS_PATH_NOT_COVERED",
	  "the path is a DFS link to another host",
	  "name that host and its share instead" },
	{ 0xc0000413, "NT_STATUS_AUTHENTICATION_FIREWALL_FAILED",
	  "the account may not log in at this server of another domain",
	  "use an account of the server's own domain" },
	{ 0xc0000418, "NT_STATUS_NTLM_BLOCKED",
	  "the server or its domain takes no NTLM logins, and there is no Kerberos here",
	  allow_ntlm },
};

const struct nt_status *nt_status_find(uint32_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].code == code)
			return &statuses[i];
	return NULL;
}

const struct nt_status *nt_status_named(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (strlen(statuses[i].name) == length &&
		    memcmp(statuses[i].name, name, length) == 0)
			return &statuses[i];
	return NULL;
}

bool nt_status_is_error(uint32_t code)
{
	return (code & SEVERITY_ERROR) == SEVERITY_ERROR &&
	       code != MORE_PROCESSING_REQUIRED;
}

const char *nt_status_name(uint32_t code, char text[NT_STATUS_TEXT_SIZE])
{
	const struct nt_status *status = nt_status_find(code);

	if (status)
		snprintf(text, NT_STATUS_TEXT_SIZE, "%s", status->name);
	else
		snprintf(text, NT_STATUS_TEXT_SIZE, "NT status 0x%08" PRIx32, code);
	return text;
}
