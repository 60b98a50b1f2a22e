/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of answer files: what is written, and what is understood or said. An expectation
 * that begins with "'a.ini'" is the whole text of the error; any other one lists what differs from
 * an empty answer, in the order of show().
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>
#include <base/utf.h>
#include <restore/answer.h>

#define START "format = 1\n[source]\nurl = /b\n"
#define END   "[target]\ndisk0 = serial:A\nconfirm = erase\n"

/* clang-format off */
static const struct answer_case {
	const char *file, *expected;
} cases[] = {
	{ "",
	  "'a.ini': 'format' is missing at the start" },
	{ "; nothing\n\n",
	  "'a.ini': 'format' is missing at the start" },
	{ "format = 2\n",
	  "'a.ini' line 1 column 10: 'format' cannot be '2'; write 1, the only format so far" },
	{ "format = one\n",
	  "'a.ini' line 1 column 10: 'format' cannot be 'one'; write 1, the only format so far" },
	{ "fromat = 1\n",
	  "'a.ini' line 1 column 1: 'fromat' is not a key of the start; the nearest is 'format'" },
	{ "format = 1\nformat = 1\n",
	  "'a.ini' line 2 column 1: 'format' stands in line 1 already" },
	{ "format =\n",
	  "'a.ini' line 1 column 1: 'format' has no value" },
	{ "format = 1\nurl = /b\n",
	  "'a.ini' line 2 column 1: 'url' is not a key of the start; it is one of [source]" },
	{ "format = 1\nhello\n",
	  "'a.ini' line 2 column 1: 'hello' is neither [section] nor key = value" },
	{ "format = 1\n   hello there\n",
	  "'a.ini' line 2 column 4: 'hello there' is neither [section] nor key = value" },
	{ "format = 1\n[sorce]\n",
	  "'a.ini' line 2 column 1: [sorce] is not a section; the nearest is [source]" },
	{ "format = 1\n[]\n",
	  "'a.ini' line 2 column 1: [] is not a section; the nearest is [match]" },
	{ "format = 1\n[Source]\n",
	  "'a.ini' line 2 column 1: [Source] is not a section; the nearest is [source]" },
	{ "format = 1\n[taget]\n",
	  "'a.ini' line 2 column 1: [taget] is not a section; the nearest is [target]" },
	{ "format = 1\n  [netwerk]\n",
	  "'a.ini' line 2 column 3: [netwerk] is not a section; the nearest is [network]" },
	{ "format = 1\n[source\n",
	  "'a.ini' line 2 column 1: '[source' begins a section and has no ']'" },
	{ "format = 1\n[source] x\n",
	  "'a.ini' line 2 column 1: '[source] x' begins a section and has no ']'" },
	{ "format = 1\n[source]\n[source]\n",
	  "'a.ini' line 3 column 1: [source] stands in line 2 already" },
	{ START "[backup]\nmachine = A\n[source]\nencrypt = required\n",
	  "'a.ini' line 6 column 1: [source] stands in line 2 already" },
	{ START "[after]\n[layout]\n\n[after]\n",
	  "'a.ini' line 7 column 1: [after] stands in line 4 already" },
	{ START "url = /c\n",
	  "'a.ini' line 4 column 1: 'url' stands in line 3 already" },
	{ START "credential = prompt\n",
	  "'a.ini' line 4 column 1: 'credential' is not a key of [source]; the nearest is 'credentials'" },
	{ START "  Url = /c\n",
	  "'a.ini' line 4 column 3: 'Url' is not a key of [source]; the nearest is 'url'" },
	{ START "machine = SRV01\n",
	  "'a.ini' line 4 column 1: 'machine' is not a key of [source]; it is one of [backup]" },
	{ START "shrink = never\n",
	  "'a.ini' line 4 column 1: 'shrink' is not a key of [source]; it is one of [layout]" },
	{ START "= x\n",
	  "'a.ini' line 4 column 1: '' is not a key of [source]; the nearest is 'url'" },
	{ "format = 1\n[source]\nürl = /b\n",
	  "'a.ini' line 3 column 1: 'ürl' is not a key of [source]; the nearest is 'url'" },
	{ "format = 1\n[match]\nhost = ä\nhöst = b\n",
	  "'a.ini' line 4 column 1: 'höst' is not a key of [match]; the nearest is 'host'" },
	{ "format = 1\n[after]\nreport = äöü\naction = äöü\n",
	  "'a.ini' line 4 column 10: 'action' cannot be 'äöü'; write reboot, poweroff, shell or hold" },
	{ "format = 1\n[source]\nurl = nfs://h/e\n",
	  "'a.ini' line 3 column 7: 'url' cannot be 'nfs://h/e'; write smb://HOST/SHARE/PATH, \\\\HOST\\SHARE\\PATH, disk:auto, disk:SERIAL or a folder" },
	{ "format = 1\n[source]\nurl = https://h/e\n",
	  "'a.ini' line 3 column 7: 'url' cannot be 'https://h/e'; write smb://HOST/SHARE/PATH, \\\\HOST\\SHARE\\PATH, disk:auto, disk:SERIAL or a folder" },
	{ "format = 1\n[source]\nurl = smb://\n",
	  "'a.ini' line 3 column 7: 'url' cannot be 'smb://'; write smb://HOST/SHARE/PATH, \\\\HOST\\SHARE\\PATH, disk:auto, disk:SERIAL or a folder" },
	{ "format = 1\n[source]\nurl = smb://u:pw@h/s\n",
	  "'a.ini' line 3 column 7: 'url' holds a password, which does not belong there; write it into a file and credentials = file:NAME" },
	{ "format = 1\n[source]\nurl = smb://h/${name}\n",
	  "'a.ini' line 3 column 7: '${name}' in 'url' stands for nothing; write ${uuid}, ${serial}, ${mac} or ${host}" },
	{ "format = 1\n[source]\nurl = smb://h/${uuid\n",
	  "'a.ini' line 3 column 7: '${uuid' in 'url' stands for nothing; write ${uuid}, ${serial}, ${mac} or ${host}" },
	{ START "credentials = \n",
	  "'a.ini' line 4 column 1: 'credentials' has no value" },
	{ START "credentials = secret\n",
	  "'a.ini' line 4 column 15: 'credentials' names no file; write file:NAME, prompt or url:http://…" },
	{ START "credentials = file:\n",
	  "'a.ini' line 4 column 15: 'credentials' names no file; write file:NAME, prompt or url:http://…" },
	{ START "credentials = url:ftp://h/c\n",
	  "'a.ini' line 4 column 15: 'credentials' can be fetched by http only; write url:http://…, file:NAME or prompt" },
	{ START "credentials = url:http://u:p@h/c\n",
	  "'a.ini' line 4 column 15: 'credentials' holds a password, which does not belong there; write it into a file and credentials = file:NAME" },
	{ START "credentials = url:http://h/${pw}\n",
	  "'a.ini' line 4 column 15: '${pw}' in 'credentials' stands for nothing; write ${uuid}, ${serial}, ${mac} or ${host}" },
	{ START "encrypt = yes\n",
	  "'a.ini' line 4 column 11: 'encrypt' cannot be 'yes'; write if-offered or required" },
	{ START "encrypt=Required\n",
	  "'a.ini' line 4 column 9: 'encrypt' cannot be 'Required'; write if-offered or required" },
	{ START "unlock = 235818-357951\n",
	  "'a.ini' line 4 column 10: 'unlock' names no file; write file:NAME or prompt" },
	{ START "[target]\ndisk0 = /dev/sda\n",
	  "'a.ini' line 5 column 9: 'disk0' cannot be '/dev/sda'; write serial:…, wwn:… or size:900G..1100G" },
	{ START "[target]\ndisk0 = sda\n",
	  "'a.ini' line 5 column 9: 'disk0' cannot be 'sda'; write serial:…, wwn:… or size:900G..1100G" },
	{ START "[target]\ndisk0 = serial:\n",
	  "'a.ini' line 5 column 9: 'disk0' cannot be 'serial:'; write serial:…, wwn:… or size:900G..1100G" },
	{ START "[target]\ndisk0 = wwn:\n",
	  "'a.ini' line 5 column 9: 'disk0' cannot be 'wwn:'; write serial:…, wwn:… or size:900G..1100G" },
	{ START "[target]\ndisk0 = size:\n",
	  "'a.ini' line 5 column 9: 'disk0' cannot be 'size:'; write serial:…, wwn:… or size:900G..1100G" },
	{ START "[target]\ndisk0 = size:1T\n",
	  "'a.ini' line 5 column 9: 'disk0' cannot be 'size:1T'; write serial:…, wwn:… or size:900G..1100G" },
	{ START "[target]\ndisk0 = size:1T..\n",
	  "'a.ini' line 5 column 9: 'disk0' cannot be 'size:1T..'; write serial:…, wwn:… or size:900G..1100G" },
	{ START "[target]\ndisk0 = size:..2T\n",
	  "'a.ini' line 5 column 9: 'disk0' cannot be 'size:..2T'; write serial:…, wwn:… or size:900G..1100G" },
	{ START "[target]\ndisk0 = size:1T..2T..3T\n",
	  "'a.ini' line 5 column 9: 'disk0' cannot be 'size:1T..2T..3T'; write serial:…, wwn:… or size:900G..1100G" },
	{ START "[target]\ndisk0 = size:a..b\n",
	  "'a.ini' line 5 column 9: 'disk0' cannot be 'size:a..b'; write serial:…, wwn:… or size:900G..1100G" },
	{ START "[target]\ndisk0 = name:x\n",
	  "'a.ini' line 5 column 9: 'disk0' cannot be 'name:x'; write serial:…, wwn:… or size:900G..1100G" },
	{ START "[target]\ndisk16 = serial:A\n",
	  "'a.ini' line 5 column 1: 'disk16' is not a key of [target]; the nearest is 'disk1'" },
	{ START "[target]\ndisk = serial:A\n",
	  "'a.ini' line 5 column 1: 'disk' is not a key of [target]; the nearest is 'disk0'" },
	{ START "[target]\ndisk0 = serial:A\ndisk0 = serial:B\n",
	  "'a.ini' line 6 column 1: 'disk0' stands in line 5 already" },
	{ START "[target]\nexclude = /dev/sdb\n",
	  "'a.ini' line 5 column 11: 'exclude' cannot be '/dev/sdb'; write serial:… or wwn:…, at most 16 with commas" },
	{ START "[target]\nexclude = serial:A, b\n",
	  "'a.ini' line 5 column 11: 'exclude' cannot be 'serial:A, b'; write serial:… or wwn:…, at most 16 with commas" },
	{ START "[target]\nexclude = serial:A,\n",
	  "'a.ini' line 5 column 11: 'exclude' cannot be 'serial:A,'; write serial:… or wwn:…, at most 16 with commas" },
	{ START "[target]\nexclude = serial:0,serial:1,serial:2,serial:3,serial:4,serial:5,serial:6,serial:7,serial:8,serial:9,serial:10,serial:11,serial:12,serial:13,serial:14,serial:15,serial:16\n",
	  "'a.ini' line 5 column 11: 'exclude' cannot be 'serial:0,serial:1,serial:2,serial:3,serial:4,serial:5,serial:6,serial:7,serial:8,serial:9,serial:10,serial:11,serial:12,serial:13,serial:14,serial:15,serial:16'; write serial:… or wwn:…, at most 16 with commas" },
	{ START "[target]\ndisk0 = serial:A\nconfirm = erase\nexclude = serial:B, serial:a\n",
	  "'a.ini': 'exclude' and 'disk0' name the same disk, 'serial:a'" },
	{ START "[target]\nconfirm = yes\n",
	  "'a.ini' line 5 column 11: 'confirm' cannot be 'yes'; write erase" },
	{ START "[target]\nconfirm = ERASE\n",
	  "'a.ini' line 5 column 11: 'confirm' cannot be 'ERASE'; write erase" },
	{ START "[target]\nplan = sha256:12\n",
	  "'a.ini' line 5 column 8: 'plan' cannot be 'sha256:12'; write sha256: and the 64 digits that 'bmr plan' shows" },
	{ START "[target]\nplan = 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
	  "'a.ini' line 5 column 8: 'plan' cannot be '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'; write sha256: and the 64 digits that 'bmr plan' shows" },
	{ START "[target]\nplan = sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0\n",
	  "'a.ini' line 5 column 8: 'plan' cannot be 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0'; write sha256: and the 64 digits that 'bmr plan' shows" },
	{ START "[target]\nfor = floppy\n",
	  "'a.ini' line 5 column 7: 'for' cannot be 'floppy'; write ahci, nvme, ide, hyper-v, virtio-blk, virtio-scsi, pvscsi, lsi-sas, megasas" },
	{ START "[target]\ndrivers = vioscsi\n",
	  "'a.ini' line 5 column 11: 'drivers' cannot be 'vioscsi'; write file:NAME" },
	{ START "[target]\nforecast = no\n",
	  "'a.ini' line 5 column 12: 'forecast' cannot be 'no'; write stop or ignore" },
	{ START "[target]\ndelta = true\n",
	  "'a.ini' line 5 column 9: 'delta' cannot be 'true'; write no or yes" },
	{ START "[target]\nwipe = 1\n",
	  "'a.ini' line 5 column 8: 'wipe' cannot be '1'; write no or yes" },
	{ START END "[backup]\nprove = all\n",
	  "'a.ini' line 8 column 9: 'prove' cannot be 'all'; write sample or full" },
	{ START END "[backup]\nmashine = A\n",
	  "'a.ini' line 8 column 1: 'mashine' is not a key of [backup]; the nearest is 'machine'" },
	{ START END "[layout]\ngrow = all\n",
	  "'a.ini' line 8 column 8: 'grow' cannot be 'all'; write a drive letter, such as C:" },
	{ START END "[layout]\ngrow = C:\\\n",
	  "'a.ini' line 8 column 8: 'grow' cannot be 'C:\\'; write a drive letter, such as C:" },
	{ START END "[layout]\ngrow = 1:\n",
	  "'a.ini' line 8 column 8: 'grow' cannot be '1:'; write a drive letter, such as C:" },
	{ START END "[layout]\nshrink = no\n",
	  "'a.ini' line 8 column 10: 'shrink' cannot be 'no'; write auto or never" },
	{ START END "[layout]\nfirmware = efi\n",
	  "'a.ini' line 8 column 12: 'firmware' cannot be 'efi'; write match, convert, uefi or bios" },
	{ START END "[layout]\nids = fresh\n",
	  "'a.ini' line 8 column 7: 'ids' cannot be 'fresh'; write same or new" },
	{ START END "[layout]\ndynamic = basic\n",
	  "'a.ini' line 8 column 11: 'dynamic' cannot be 'basic'; write refuse or plain" },
	{ START END "[layout]\nlayout = a.json\n",
	  "'a.ini' line 8 column 10: 'layout' cannot be 'a.json'; write file:NAME or backup:PATH" },
	{ START END "[layout]\nlayout = backup:\n",
	  "'a.ini' line 8 column 10: 'layout' cannot be 'backup:'; write file:NAME or backup:PATH" },
	{ START END "[after]\nverify = none\n",
	  "'a.ini' line 8 column 10: 'verify' cannot be 'none': a disk that was not read back is not called restored; write full" },
	{ START END "[after]\nverify = yes\n",
	  "'a.ini' line 8 column 10: 'verify' cannot be 'yes'; write full" },
	{ START END "[after]\nheal = no\n",
	  "'a.ini' line 8 column 8: 'heal' cannot be 'no'; write auto" },
	{ START END "[after]\naction = restart\n",
	  "'a.ini' line 8 column 10: 'action' cannot be 'restart'; write reboot, poweroff, shell or hold" },
	{ START END "[after]\non_fail = retry\n",
	  "'a.ini' line 8 column 11: 'on_fail' cannot be 'retry'; write hold, retry:N with N from 1 to 99, reboot, poweroff or shell" },
	{ START END "[after]\non_fail = retry:\n",
	  "'a.ini' line 8 column 11: 'on_fail' cannot be 'retry:'; write hold, retry:N with N from 1 to 99, reboot, poweroff or shell" },
	{ START END "[after]\non_fail = retry:0\n",
	  "'a.ini' line 8 column 11: 'on_fail' cannot be 'retry:0'; write hold, retry:N with N from 1 to 99, reboot, poweroff or shell" },
	{ START END "[after]\non_fail = retry:100\n",
	  "'a.ini' line 8 column 11: 'on_fail' cannot be 'retry:100'; write hold, retry:N with N from 1 to 99, reboot, poweroff or shell" },
	{ START END "[after]\non_fail = retry:-1\n",
	  "'a.ini' line 8 column 11: 'on_fail' cannot be 'retry:-1'; write hold, retry:N with N from 1 to 99, reboot, poweroff or shell" },
	{ START END "[after]\non_fail = retry:3x\n",
	  "'a.ini' line 8 column 11: 'on_fail' cannot be 'retry:3x'; write hold, retry:N with N from 1 to 99, reboot, poweroff or shell" },
	{ START END "[after]\non_fail = retry: 3\n",
	  "'a.ini' line 8 column 11: 'on_fail' cannot be 'retry: 3'; write hold, retry:N with N from 1 to 99, reboot, poweroff or shell" },
	{ START END "[after]\non_fail = stop\n",
	  "'a.ini' line 8 column 11: 'on_fail' cannot be 'stop'; write hold, retry:N with N from 1 to 99, reboot, poweroff or shell" },
	{ START END "[after]\nreport = https://h/r\n",
	  "'a.ini' line 8 column 10: 'report' cannot be 'https://h/r'; write smb://HOST/SHARE/PATH, stick:NAME, file:NAME or a path" },
	{ START END "[after]\nreport = http://h/r\n",
	  "'a.ini' line 8 column 10: 'report' cannot be 'http://h/r'; write smb://HOST/SHARE/PATH, stick:NAME, file:NAME or a path" },
	{ START END "[after]\nreport = ftp://h/r\n",
	  "'a.ini' line 8 column 10: 'report' cannot be 'ftp://h/r'; write smb://HOST/SHARE/PATH, stick:NAME, file:NAME or a path" },
	{ START END "[after]\nreport = C:\\r\n",
	  "'a.ini' line 8 column 10: 'report' cannot be 'C:\\r'; write smb://HOST/SHARE/PATH, stick:NAME, file:NAME or a path" },
	{ START END "[after]\nreport = stick:\n",
	  "'a.ini' line 8 column 10: 'report' cannot be 'stick:'; write smb://HOST/SHARE/PATH, stick:NAME, file:NAME or a path" },
	{ START END "[after]\nreport = smb://u:p@h/s/r\n",
	  "'a.ini' line 8 column 10: 'report' holds a password, which does not belong there; write it into a file and credentials = file:NAME" },
	{ START END "[after]\nreport = /r/${time}\n",
	  "'a.ini' line 8 column 10: '${time}' in 'report' stands for nothing; write ${uuid}, ${serial}, ${mac} or ${host}" },
	{ START END "[after]\nstatus = https://h/s\n",
	  "'a.ini' line 8 column 10: 'status' cannot be 'https://h/s'; write http://HOST/PATH" },
	{ START END "[after]\nstatus = h/s\n",
	  "'a.ini' line 8 column 10: 'status' cannot be 'h/s'; write http://HOST/PATH" },
	{ START END "[after]\nstatus = http://\n",
	  "'a.ini' line 8 column 10: 'status' cannot be 'http://'; write http://HOST/PATH" },
	{ START END "[after]\nstatus = http://u:p@h/s\n",
	  "'a.ini' line 8 column 10: 'status' holds a password, which does not belong there; write it into a file and credentials = file:NAME" },
	{ START END "[after]\nstatus = http://h/${x}\n",
	  "'a.ini' line 8 column 10: '${x}' in 'status' stands for nothing; write ${uuid}, ${serial}, ${mac} or ${host}" },
	{ START END "[network]\naddress = static\n",
	  "'a.ini' line 8 column 11: 'address' cannot be 'static'; write dhcp or an address with the length of its network, such as 192.0.2.10/24" },
	{ START END "[network]\naddress = 192.0.2.10\n",
	  "'a.ini' line 8 column 11: 'address' cannot be '192.0.2.10'; write dhcp or an address with the length of its network, such as 192.0.2.10/24" },
	{ START END "[network]\naddress = 192.0.2.10/33\n",
	  "'a.ini' line 8 column 11: 'address' cannot be '192.0.2.10/33'; write dhcp or an address with the length of its network, such as 192.0.2.10/24" },
	{ START END "[network]\naddress = 192.0.2.10/0\n",
	  "'a.ini' line 8 column 11: 'address' cannot be '192.0.2.10/0'; write dhcp or an address with the length of its network, such as 192.0.2.10/24" },
	{ START END "[network]\naddress = 192.0.2.300/24\n",
	  "'a.ini' line 8 column 11: 'address' cannot be '192.0.2.300/24'; write dhcp or an address with the length of its network, such as 192.0.2.10/24" },
	{ START END "[network]\naddress = 192.0.2.10/\n",
	  "'a.ini' line 8 column 11: 'address' cannot be '192.0.2.10/'; write dhcp or an address with the length of its network, such as 192.0.2.10/24" },
	{ START END "[network]\naddress = 192.0.2.10/24x\n",
	  "'a.ini' line 8 column 11: 'address' cannot be '192.0.2.10/24x'; write dhcp or an address with the length of its network, such as 192.0.2.10/24" },
	{ START END "[network]\naddress = 2001:db8::1/129\n",
	  "'a.ini' line 8 column 11: 'address' cannot be '2001:db8::1/129'; write dhcp or an address with the length of its network, such as 192.0.2.10/24" },
	{ START END "[network]\naddress = /24\n",
	  "'a.ini' line 8 column 11: 'address' cannot be '/24'; write dhcp or an address with the length of its network, such as 192.0.2.10/24" },
	{ START END "[network]\ngateway = router\n",
	  "'a.ini' line 8 column 11: 'gateway' cannot be 'router'; write an address such as 192.0.2.1" },
	{ START END "[network]\ngateway = 192.0.2.1\n",
	  "'a.ini': 'gateway' in [network] needs an 'address' other than dhcp" },
	{ START END "[network]\naddress = dhcp\ngateway = 192.0.2.1\n",
	  "'a.ini': 'gateway' in [network] needs an 'address' other than dhcp" },
	{ START END "[network]\naddress = 192.0.2.10/24\ngateway = fe80::1\n",
	  "'a.ini': 'gateway' fe80::1 and 'address' 192.0.2.10/24 in [network] are of two families, IPv4 and IPv6" },
	{ START END "[network]\ndns = dns.example\n",
	  "'a.ini' line 8 column 7: 'dns' cannot be 'dns.example'; write at most three addresses with commas" },
	{ START END "[network]\ndns = 192.0.2.1,\n",
	  "'a.ini' line 8 column 7: 'dns' cannot be '192.0.2.1,'; write at most three addresses with commas" },
	{ START END "[network]\ndns = 1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4\n",
	  "'a.ini' line 8 column 7: 'dns' cannot be '1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4'; write at most three addresses with commas" },
	{ START END "[network]\nvlan = 0\n",
	  "'a.ini' line 8 column 8: 'vlan' cannot be '0'; write a number from 1 to 4094" },
	{ START END "[network]\nvlan = 4095\n",
	  "'a.ini' line 8 column 8: 'vlan' cannot be '4095'; write a number from 1 to 4094" },
	{ START END "[network]\nvlan = x\n",
	  "'a.ini' line 8 column 8: 'vlan' cannot be 'x'; write a number from 1 to 4094" },
	{ START END "[network]\nvlan = 12x\n",
	  "'a.ini' line 8 column 8: 'vlan' cannot be '12x'; write a number from 1 to 4094" },
	{ START END "[network]\nvlan = -1\n",
	  "'a.ini' line 8 column 8: 'vlan' cannot be '-1'; write a number from 1 to 4094" },
	{ START END "[network]\ninterface = eth0/1\n",
	  "'a.ini' line 8 column 13: 'interface' cannot be 'eth0/1'; write a name such as eth0, or the address of a card, such as 52:54:00:12:34:56" },
	{ START END "[network]\ninterface = a name\n",
	  "'a.ini' line 8 column 13: 'interface' cannot be 'a name'; write a name such as eth0, or the address of a card, such as 52:54:00:12:34:56" },
	{ START END "[network]\ninterface = abcdefghijklmnopqr\n",
	  "'a.ini' line 8 column 13: 'interface' cannot be 'abcdefghijklmnopqr'; write a name such as eth0, or the address of a card, such as 52:54:00:12:34:56" },
	{ START END "[match]\nname = A\n",
	  "'a.ini' line 8 column 1: 'name' is not a key of [match]; the nearest is 'mac'" },
	{ START END,
	  "url=/b disk=0=serial:A confirm" },
	{ "﻿format = 1\n[source]\nurl = /b\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=/b disk=0=serial:A confirm" },
	{ "format = 1\r\n[source]\r\nurl = /b\r\n[target]\r\ndisk0 = serial:A\r\nconfirm = erase\r\n",
	  "url=/b disk=0=serial:A confirm" },
	{ START "[target]\ndisk0 = serial:A\nconfirm = erase",
	  "url=/b disk=0=serial:A confirm" },
	{ "# a\n;b\n\n  \t\nformat = 1\n[source]\nurl = /b\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=/b disk=0=serial:A confirm" },
	{ "format=1\n[ source ]\nurl=/b\n[target]\ndisk0=serial:A\nconfirm=erase",
	  "url=/b disk=0=serial:A confirm" },
	{ "format = 1  ; one\n[source]  # here\nurl = /b  ;c\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=/b disk=0=serial:A confirm" },
	{ "format = 1\n[source]\nurl = /b ;c#d\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=/b ;c#d disk=0=serial:A confirm" },
	{ "format = 1\n[source]\nurl = a = b\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=a = b disk=0=serial:A confirm" },
	{ START END,
	  "url=/b disk=0=serial:A confirm" },
	{ "format = 1\n[target]\ndisk0 = serial:A\nconfirm = erase\n[source]\nurl = /b\n",
	  "url=/b disk=0=serial:A confirm" },
	{ "format = 1\n[source]\nurl = smb://nas/b\n",
	  "url=smb://nas/b leads missing='a.ini': 'disk0' is missing in [target]" },
	{ "format = 1\n",
	  "missing='a.ini': 'url' is missing in [source]" },
	{ START "[target]\ndisk0 = serial:A\n",
	  "url=/b disk=0=serial:A missing='a.ini': 'confirm' is missing in [target]" },
	{ START "[backup]\nmachine = A\n",
	  "url=/b machine=A missing='a.ini': 'disk0' is missing in [target]" },
	{ "format = 1\n[source]\nurl = smb://nas/b\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=smb://nas/b disk=0=serial:A confirm" },
	{ "format = 1\n[source]\nurl = SMB://nas/b\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=SMB://nas/b disk=0=serial:A confirm" },
	{ "format = 1\n[source]\nurl = smb://DOM;user@nas:1445/b/c\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=smb://DOM;user@nas:1445/b/c disk=0=serial:A confirm" },
	{ "format = 1\n[source]\nurl = \\\\nas\\b\\old ones\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=\\\\nas\\b\\old ones disk=0=serial:A confirm" },
	{ "format = 1\n[source]\nurl = disk:auto\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=disk:auto disk=0=serial:A confirm" },
	{ "format = 1\n[source]\nurl = disk:S1\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=disk:S1 disk=0=serial:A confirm" },
	{ "format = 1\n[source]\nurl = backups\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=backups disk=0=serial:A confirm" },
	{ "format = 1\n[source]\nurl = smb://nas/${serial}/${mac}/${uuid}/${host}\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=smb://nas/${serial}/${mac}/${uuid}/${host} disk=0=serial:A confirm" },
	{ START "credentials = file:a b.cred\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=/b cred=/f/a b.cred disk=0=serial:A confirm" },
	{ START "credentials = file:/x/y\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=/b cred=/x/y disk=0=serial:A confirm" },
	{ START "credentials = prompt\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=/b disk=0=serial:A confirm" },
	{ START "credentials = url:http://h/once?${mac}\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=/b cred-url=http://h/once?${mac} disk=0=serial:A confirm" },
	{ START "encrypt = required\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=/b encrypt disk=0=serial:A confirm" },
	{ START "encrypt = if-offered\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=/b disk=0=serial:A confirm" },
	{ START "unlock = file:k.bek\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "url=/b unlock=/f/k.bek disk=0=serial:A confirm" },
	{ START "[target]\ndisk0 = size:900G..1100G\nconfirm = erase\n",
	  "url=/b disk=0=size:900G..1100G confirm" },
	{ START "[target]\ndisk0 = size:1Ti..2Ti\nconfirm = erase\n",
	  "url=/b disk=0=size:1Ti..2Ti confirm" },
	{ START "[target]\ndisk0 = wwn:naa.5000\ndisk3 = serial:B;C\nconfirm = erase\n",
	  "url=/b disk=0=wwn:naa.5000 disk=3=serial:B;C confirm" },
	{ START "[target]\nconfirm = erase\ndisk15 = serial:Z\ndisk0 = SERIAL:a\n",
	  "url=/b disk=15=serial:Z disk=0=SERIAL:a confirm" },
	{ START "[target]\ndisk0 = serial:A\nconfirm = erase\nexclude = serial:B , wwn:C\n",
	  "url=/b disk=0=serial:A exclude=serial:B exclude=wwn:C confirm" },
	{ START "[target]\ndisk0 = serial:A\nconfirm = erase\nplan = sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
	  "url=/b disk=0=serial:A plan=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef confirm" },
	{ START "[target]\ndisk0 = serial:A\nconfirm = erase\nfor = virtio-scsi\n",
	  "url=/b disk=0=serial:A for=virtio-scsi confirm" },
	{ START "[target]\ndisk0 = serial:A\nconfirm = erase\ndrivers = file:v\n",
	  "url=/b disk=0=serial:A drivers=/f/v confirm" },
	{ START "[target]\ndisk0 = serial:A\nconfirm = erase\nforecast = ignore\n",
	  "url=/b disk=0=serial:A ignore confirm" },
	{ START "[target]\ndisk0 = serial:A\nconfirm = erase\ndelta = yes\n",
	  "url=/b disk=0=serial:A delta confirm" },
	{ START "[target]\ndisk0 = serial:A\nconfirm = erase\nwipe = yes\n",
	  "url=/b disk=0=serial:A wipe confirm" },
	{ START "[target]\ndisk0 = serial:A\nconfirm = erase\nforecast = stop\n",
	  "url=/b disk=0=serial:A confirm" },
	{ START "[target]\ndisk0 = serial:A\nconfirm = erase\ndelta = no\n",
	  "url=/b disk=0=serial:A confirm" },
	{ START "[target]\ndisk0 = serial:A\nconfirm = erase\nwipe = no\n",
	  "url=/b disk=0=serial:A confirm" },
	{ START END "[backup]\nmachine = SRV 01\nversion = 2026-08-31T21:00Z\nvolumes = C:, ESP\nprove = full\n",
	  "url=/b disk=0=serial:A confirm machine=SRV 01 version=2026-08-31T21:00Z volumes=C:, ESP prove" },
	{ START END "[backup]\nversion = 08/31/2026-21:00\nprove = sample\n",
	  "url=/b disk=0=serial:A confirm version=08/31/2026-21:00" },
	{ START END "[layout]\nshrink = never\ngrow = c:\nfirmware = convert\nids = new\ndynamic = plain\nlayout = backup:a/b.json\n",
	  "url=/b disk=0=serial:A confirm grow=c: no-shrink new-ids firmware=3 plain layout=backup:a/b.json" },
	{ START END "[layout]\nshrink = auto\nfirmware = match\nids = same\ndynamic = refuse\nlayout = file:l.json\n",
	  "url=/b disk=0=serial:A confirm layout=/f/l.json" },
	{ START END "[layout]\nfirmware = bios\n",
	  "url=/b disk=0=serial:A confirm firmware=1" },
	{ START END "[layout]\nfirmware = uefi\n",
	  "url=/b disk=0=serial:A confirm firmware=2" },
	{ START END "[after]\nverify = full\nheal = auto\n",
	  "url=/b disk=0=serial:A confirm" },
	{ START END "[after]\naction = reboot\n",
	  "url=/b disk=0=serial:A confirm action=reboot" },
	{ START END "[after]\naction = poweroff\n",
	  "url=/b disk=0=serial:A confirm action=poweroff" },
	{ START END "[after]\naction = shell\n",
	  "url=/b disk=0=serial:A confirm action=shell" },
	{ START END "[after]\naction = hold\n",
	  "url=/b disk=0=serial:A confirm" },
	{ START END "[after]\non_fail = retry:3\n",
	  "url=/b disk=0=serial:A confirm retries=3" },
	{ START END "[after]\non_fail = retry:99\n",
	  "url=/b disk=0=serial:A confirm retries=99" },
	{ START END "[after]\non_fail = reboot\n",
	  "url=/b disk=0=serial:A confirm on_fail=reboot" },
	{ START END "[after]\non_fail = hold\n",
	  "url=/b disk=0=serial:A confirm" },
	{ START END "[after]\nreport = file:r.json\n",
	  "url=/b disk=0=serial:A confirm report=/f/r.json" },
	{ START END "[after]\nreport = reports/${host}.json\n",
	  "url=/b disk=0=serial:A confirm report=/f/reports/${host}.json" },
	{ START END "[after]\nreport = /r\n",
	  "url=/b disk=0=serial:A confirm report=/r" },
	{ START END "[after]\nreport = smb://nas/b/${serial}.json\n",
	  "url=/b disk=0=serial:A confirm report=smb://nas/b/${serial}.json" },
	{ START END "[after]\nreport = \\\\nas\\b\\r\n",
	  "url=/b disk=0=serial:A confirm report=\\\\nas\\b\\r" },
	{ START END "[after]\nlog = stick:logs/${host}.tar.gz\n",
	  "url=/b disk=0=serial:A confirm log=stick:logs/${host}.tar.gz" },
	{ START END "[after]\nlog = file:log.tar.gz\n",
	  "url=/b disk=0=serial:A confirm log=/f/log.tar.gz" },
	{ START END "[after]\nlog = ftp://h/r\n",
	  "'a.ini' line 8 column 7: 'log' cannot be 'ftp://h/r'; write smb://HOST/SHARE/PATH, stick:NAME, file:NAME or a path" },
	{ START END "[after]\nreport = stick:reports\n",
	  "url=/b disk=0=serial:A confirm report=stick:reports" },
	{ START END "[after]\nstatus = http://h:8080/s/${uuid}\n",
	  "url=/b disk=0=serial:A confirm status=http://h:8080/s/${uuid}" },
	{ START END "[network]\naddress = dhcp\n",
	  "url=/b disk=0=serial:A confirm" },
	{ START END "[network]\naddress = 192.0.2.10/24\ngateway = 192.0.2.1\ndns = 192.0.2.2 , 2001:db8::53\nvlan = 4094\ninterface = eth0\n",
	  "url=/b disk=0=serial:A confirm net=eth0,192.0.2.10/24,192.0.2.1,192.0.2.2,2001:db8::53,4094" },
	{ START END "[network]\naddress = 2001:db8::10/64\ngateway = fe80::1\n",
	  "url=/b disk=0=serial:A confirm net=-,2001:db8::10/64,fe80::1,-,0" },
	{ START END "[network]\ninterface = 52:54:00:12:34:56\nvlan = 1\n",
	  "url=/b disk=0=serial:A confirm net=52:54:00:12:34:56,-,-,-,1" },
	{ "format = 1\n[match]\nuuid = 4c4c4544-*\nserial = [A-F]?\nmac = 52-54-*\nhost = srv*\nvendor = Dell*\nmodel = *\n[source]\nurl = /b\n[target]\ndisk0 = serial:A\nconfirm = erase\n",
	  "match=4c4c4544-*,[A-F]?,52-54-*,srv*,Dell*,* url=/b disk=0=serial:A confirm" },
};
/* clang-format on */

static void show_text(struct text *text, const char *key, const char *value)
{
	if (value)
		text_add(text, " %s=%s", key, value);
}

static void show_flag(struct text *text, const char *name, bool set)
{
	if (set)
		text_add(text, " %s", name);
}

static void show_match(struct text *text, const struct answer_match *match)
{
	if (match->uuid)
		text_add(text, " match=%s,%s,%s,%s,%s,%s", match->uuid, match->serial,
			 match->mac, match->host, match->vendor, match->model);
}

static const char *or_dash(const char *value)
{
	return value ? value : "-";
}

static void show_network(struct text *text, const struct answer_network *network)
{
	if (network->address || network->interface)
		text_add(text, " net=%s,%s,%s,%s,%u", or_dash(network->interface),
			 or_dash(network->address), or_dash(network->gateway),
			 or_dash(network->dns), network->vlan);
}

static void show_after(struct text *text, const struct answer *answer)
{
	if (answer->action != AFTER_HOLD)
		show_text(text, "action", after_action_text(answer->action));
	if (answer->on_fail != AFTER_HOLD)
		show_text(text, "on_fail", after_action_text(answer->on_fail));
	if (answer->retries)
		text_add(text, " retries=%u", answer->retries);
	show_text(text, "report", answer->report);
	show_text(text, "log", answer->log);
	show_text(text, "status", answer->status);
}

/* What is not as in an empty answer, in a fixed order. */
static char *show(const struct answer *answer)
{
	struct text text = { 0 };

	show_match(&text, &answer->match);
	show_text(&text, "url", answer->source_url);
	show_text(&text, answer->credentials_url ? "cred-url" : "cred",
		  answer->credentials);
	show_flag(&text, "encrypt", answer->require_encryption);
	show_text(&text, "unlock", answer->unlock);
	show_flag(&text, "leads", answer->leads_to_share);
	for (size_t i = 0; i < answer->disk_count; i++)
		show_text(&text, "disk", answer->disks[i]);
	for (size_t i = 0; i < answer->exclude_count; i++)
		show_text(&text, "exclude", answer->excludes[i]);
	show_text(&text, "plan", answer->plan);
	show_text(&text, "for", answer->controller);
	show_text(&text, "drivers", answer->drivers);
	show_flag(&text, "ignore", answer->ignore_forecast);
	show_flag(&text, "delta", answer->delta);
	show_flag(&text, "wipe", answer->wipe);
	show_flag(&text, "confirm", answer->confirm_erase);
	show_text(&text, "machine", answer->machine);
	show_text(&text, "version", answer->version);
	show_text(&text, "volumes", answer->volumes);
	show_flag(&text, "prove", answer->prove_full);
	show_text(&text, "grow", answer->grow);
	show_flag(&text, "no-shrink", answer->no_shrink);
	show_flag(&text, "new-ids", answer->new_ids);
	if (answer->firmware)
		text_add(&text, " firmware=%d", (int)answer->firmware);
	show_flag(&text, "plain", answer->dynamic_plain);
	show_text(&text, "layout", answer->layout);
	show_after(&text, answer);
	show_network(&text, &answer->network);
	show_text(&text, "missing", answer->missing);
	return text_take(&text);
}

/* What is understood, or what is said. */
static char *outcome(const void *bytes, size_t length)
{
	struct answer answer = { 0 };
	struct err err = { 0 };
	char *text;

	if (answer_parse(bytes, length, "a.ini", "/f", &answer, &err) < 0)
		return strdup(err.text);
	text = show(&answer);
	answer_clear(&answer);
	/* the blank in front */
	if (text && *text)
		memmove(text, text + 1, strlen(text));
	return text;
}

static void every_case_has_its_outcome(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *found = outcome(cases[i].file, strlen(cases[i].file));

		if (strcmp(found, cases[i].expected) != 0)
			print_error("case %zu:\n%s", i, cases[i].file);
		assert_string_equal(found, cases[i].expected);
	}
}

/* Notepad's "Unicode"; the byte-order mark of one case is the file's own. */
static void every_case_is_the_same_in_utf_16(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE uint8_t *wide = NULL;
		AUTO_FREE char *found = NULL;
		struct err err = { 0 };
		size_t length;

		assert_int_equal(utf8_to_utf16le(cases[i].file, &wide, &length, &err), 0);
		found = outcome(wide, length);
		if (strcmp(found, cases[i].expected) != 0)
			print_error("case %zu:\n%s", i, cases[i].file);
		assert_string_equal(found, cases[i].expected);
	}
}

static void the_table_is_as_long_as_it_should_be(void **state)
{
	assert_true(ARRAY_SIZE(cases) >= 120);
}

/* A line of the table at the end of make check (.ci/summary); nobody may want one. */
static void count_for_summary(int failures)
{
	const char *path = getenv("SUMMARY");
	AUTO_FCLOSE FILE *file = path ? fopen(path, "a") : NULL;

	if (file)
		fprintf(file, "answer-file cases %zu %d\n", ARRAY_SIZE(cases), failures);
	printf("answer files: %zu cases, each in UTF-8 and UTF-16\n", ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_has_its_outcome),
		cmocka_unit_test(every_case_is_the_same_in_utf_16),
		cmocka_unit_test(the_table_is_as_long_as_it_should_be),
	};
	int failures = cmocka_run_group_tests(tests, NULL, NULL);

	count_for_summary(failures);
	return failures;
}
