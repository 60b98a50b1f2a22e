/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The menu's texts in English: the table by which the others are measured. */
#include "texts.h"

const char *const texts_en[TEXT_COUNT] = {
	[TEXT_NONE] = "",
	[TEXT_PRODUCT] = "openbmr: bare-metal recovery of Windows machines",
	[TEXT_KEYS] = "F1 help   F3 shell   F8 log   Tab next   Enter choose   Esc back",

	/* buttons */
	[TEXT_OK] = "OK",
	[TEXT_BACK] = "Back",
	[TEXT_CANCEL] = "Cancel",
	[TEXT_GO_ON] = "Go on",
	[TEXT_DETAILS] = "Details",
	[TEXT_SEARCH] = "Search",
	[TEXT_LOCAL_DISKS] = "Disks of this machine",
	[TEXT_NETWORK] = "Network",
	[TEXT_NETWORK_AGAIN] = "Set up again",
	[TEXT_SEARCH_AGAIN] = "Look again",
	[TEXT_START_DOTS] = "Start...",
	[TEXT_OPTIONS] = "Options",
	[TEXT_SAVE] = "Save answers",
	[TEXT_SAVE_NOW] = "Save",
	[TEXT_SAVE_STICK] = "To the stick",
	[TEXT_SAVE_SHARE] = "To the share",
	[TEXT_START_NOW] = "Start",
	[TEXT_STOP_DOTS] = "Stop...",
	[TEXT_STOP_YES] = "Stop the restore",
	[TEXT_RESUME] = "Resume",
	[TEXT_FIRST_SCREEN] = "First screen",

	/* what pages have in common */
	[TEXT_HELP] = "Help",
	[TEXT_LOG] = "Log",
	[TEXT_LOG_EMPTY] = "Nothing has been written to the log yet.",
	[TEXT_SAVE_LOG] = "Save the log",
	[TEXT_SAVE_LOG_TEXT] =
		"The log, the last plan and report, disks, devices, network and versions "
		"in one "
		"file, without passwords and keys. stick:NAME is on the stick that this "
		"machine "
		"was started from, smb://user@server/share/NAME on a share.",
	[TEXT_SHELL] = "Shell",
	[TEXT_SHELL_HINT] = "A shell; 'exit' leads back to the menu.",
	[TEXT_NO_SHELL] = "There is no shell here.",
	[TEXT_FAILED] = "That did not work",
	[TEXT_NO_REASON] = "The command failed and did not say why; see F8, the log.",
	[TEXT_NOT_POSSIBLE] = "Not possible",
	[TEXT_PLEASE_WAIT] = "Please wait.",
	[TEXT_NUMBER] = "number",
	[TEXT_NO_SUCH_NUMBER] = "there is no such choice",
	[TEXT_ACTION] = "what now",
	[TEXT_TICK] = "number to tick or untick, empty: done",
	[TEXT_TICK_TEXT] = "The space bar ticks and unticks.",
	[TEXT_PLAIN_CANCEL] = "(\"<\" and Enter stops)",
	[TEXT_PLAIN_KEYS] =
		"An empty answer means what stands in brackets. \"<\" goes back, \"?\" "
		"helps, \"!\" opens a shell, \"log\" shows the log.",
	[TEXT_KEYBOARD_KERNEL] = "us",
	[TEXT_NO_SOURCE] = "no source yet",

	/* start */
	[TEXT_START_TITLE] = "Start",
	[TEXT_START_TEXT] =
		"Restores Windows machines from a WindowsImageBackup. Nothing "
		"is written before you have seen the plan and confirmed it.",
	[TEXT_START_RESTORE] = "Restore a backup",
	[TEXT_START_RESUME] = "Resume the restore that stopped",
	[TEXT_START_ANSWER] = "Restore as the answer file says",
	[TEXT_START_NETWORK] = "Network of this machine",
	[TEXT_START_KEYBOARD] = "Keyboard layout",
	[TEXT_START_LANGUAGE] = "Language / Sprache",
	[TEXT_START_REBOOT] = "Restart",
	[TEXT_START_POWER_OFF] = "Power off",
	[TEXT_START_LEAVE] = "Leave",
	[TEXT_FIRMWARE_BIOS] = "Firmware: BIOS.",
	[TEXT_FIRMWARE_UEFI] = "Firmware: UEFI; Secure Boot is not known to it.",
	[TEXT_SECURE_BOOT_ON] = "Firmware: UEFI, Secure Boot is on.",
	[TEXT_SECURE_BOOT_OFF] = "Firmware: UEFI, Secure Boot is off.",
	[TEXT_SHIM_LEVEL] = "Started by shim, SBAT level {1}.",
	[TEXT_ANSWER_FOUND] = "An answer file was found.",
	[TEXT_ANSWER_MISSING] = "An answer file was found that is not complete, so that "
				"nothing runs by itself: {1}. What it says is filled in.",
	[TEXT_ANSWER_BAD] = "An answer file was found that cannot be followed: {1}.",
	[TEXT_ANSWER_CONFIRM] = "The disks that the answer file names will be erased as "
				"the plan has shown. Start?",

	/* a half-restored disk */
	[TEXT_HALF_TITLE] = "A restore stopped half-way",
	[TEXT_HALF_TEXT] = "This disk is half restored and does not start:",
	[TEXT_HALF_BACKUP] = "Backup:   {1}, {2} UTC",
	[TEXT_HALF_DONE] = "Written:  {1} of {2}",
	[TEXT_HALF_WHEN] = "Last:     {1} UTC, plan {2}",
	[TEXT_HALF_SOURCE] = "From:     {1}",
	[TEXT_HALF_LOGIN] = "The share wants a login. Give it to this server only if you "
			    "know it:",
	[TEXT_HALF_AGAIN] = "Start again",
	[TEXT_HALF_LEAVE] = "Leave",

	/* source */
	[TEXT_SOURCE_TITLE] = "Where is the backup?",
	[TEXT_SOURCE_TEXT] =
		"A share (\\\\server\\share or smb://server/share/folder), a "
		"folder, or the disks of this machine. The backup is found at "
		"any depth and under any name.",
	[TEXT_FIELD_SOURCE] = "Share or folder",
	[TEXT_FIELD_USER] = "User",
	[TEXT_FIELD_PASSWORD] = "Password",
	[TEXT_LOCAL_SEARCHED] = "The disks of this machine are being searched.",
	[TEXT_LOCAL_FOUND] = "On the disks of this machine: {1} ({2} in all). 'Disks of "
			     "this machine' takes it.",
	[TEXT_LOCAL_LOCKED] = "A disk of this machine is locked by BitLocker: 'Disks of "
			      "this machine' asks for its key.",
	[TEXT_LOCAL_NOTHING] = "No backup was found on the disks of this machine.",
	[TEXT_SOURCE_MISSING] = "a share or a folder is needed",
	[TEXT_USER_MISSING] = "user, DOMAIN\\user or user@realm",
	[TEXT_PASSWORD_MISSING] = "a share wants a password",
	[TEXT_SEARCH_TITLE] = "Searching for backups",
	[TEXT_SEARCHED] = "Searched {1} folders, {2} files. Found:",
	[TEXT_NETWORK_UP] = "Setting up the network",
	[TEXT_UNLOCK_TITLE] = "A BitLocker volume is locked",
	[TEXT_UNLOCK_TEXT] = "The recovery key has 48 digits in eight groups; a volume "
			     "may have a password instead.",
	[TEXT_FIELD_RECOVERY] = "Recovery key",
	[TEXT_FIELD_UNLOCK_PASSWORD] = "or password",
	[TEXT_UNLOCK] = "Unlock",
	[TEXT_UNLOCK_SHOW] = "Show / hide",
	[TEXT_UNLOCK_WITHOUT] = "Go on without",
	[TEXT_KEY_MISSING] = "a recovery key or a password is needed",
	[TEXT_KEY_TOO_LONG] = "there is something behind the eighth group",
	[TEXT_KEY_GROUP_WRONG] = "group {1}: not six digits divisible by 11",
	[TEXT_KEY_REJECTED] = "what was typed does not open it",
	[TEXT_HELP_UNLOCK] =
		"The recovery key is where it was kept when BitLocker was turned on: in "
		"the Microsoft account, in Active Directory or Entra ID, in a text file, "
		"on paper. Its identifier is the one in braces behind 'recovery key'. "
		"Each group of six digits is a multiple of 11, so that a mistyped one is "
		"told at once; blanks, hyphens or nothing between groups.\n\n"
		"The volume is read by it and stays locked; nothing is written to it. "
		"What is typed is kept in memory only, until the first screen or another "
		"source. A startup key (*.bek) is taken by the command line: --unlock "
		"FILE.",

	/* backup */
	[TEXT_BACKUP_TITLE] = "Which backup?",
	[TEXT_BACKUP_TEXT] = "The newest whole one is proposed. Times are UTC, and local "
			     "in brackets.",
	[TEXT_VOLUMES_SHORT] = "vol.",

	/* volumes and target */
	[TEXT_VOLUMES_TITLE] = "What should be restored?",
	[TEXT_VOLUMES_TEXT] = "Volumes that are not restored are left as they are on a "
			      "disk that is intact, and created empty on a new one.",
	[TEXT_VOLUMES_CRITICAL] = "What Windows needs to start (usual)",
	[TEXT_VOLUMES_ALL] = "All volumes of the backup",
	[TEXT_VOLUMES_CHOOSE] = "Choose volumes...",
	[TEXT_LOOKING_AT_DISKS] = "Looking at the disks",
	[TEXT_TARGET_TITLE] = "Where should it go?",
	[TEXT_TARGET_TEXT] = "Everything on the chosen disk may be lost; the plan will "
			     "say what. * is the disk that was backed up, by its ids; x "
			     "cannot be chosen.",
	[TEXT_TARGET_SAME] = "carries the ids of this disk of the backup",
	[TEXT_TARGET_BY_IDS] = "not named: found by its ids, or not needed",
	[TEXT_EXCLUDE] = "Exclude...",
	[TEXT_EXCLUDE_TITLE] = "Disks that nothing is written to",
	[TEXT_EXCLUDE_TEXT] = "A ticked disk is left alone, whatever else is chosen. The "
			      "space bar ticks and unticks.",
	[TEXT_EXCLUDED] = "it is excluded: 'Exclude...' changes that",
	[TEXT_EXCLUDE_NONE] = "No disk of this machine has a serial number or a WWN by "
			      "which it could be excluded.",
	[TEXT_TARGET_FILE] = "A disk image file...",
	[TEXT_TARGET_FILE_TEXT] = "A raw disk image, made anew (sparse) if it is not "
				  "there. qemu-img convert makes other "
				  "formats of it.",
	[TEXT_TARGET_FILE_WRONG] = "a path with a '/' in it",
	[TEXT_SOURCE_DISK] = "Disk of the backup",
	[TEXT_PARTITIONS] = "partitions",
	[TEXT_DISK_WITHOUT_NAME] = "it has neither serial number nor WWN by which it "
				   "could be told from others",

	/* plan */
	[TEXT_PLANNING] = "Making the plan",
	[TEXT_PLAN_TITLE] = "The plan",
	[TEXT_PLAN_REFUSED] = "The plan: refused",
	[TEXT_REFUSED] = "The plan is refused. The lines that begin with 'refused' say "
			 "why and what would help.",
	[TEXT_RED] = "The forecast says that the restored disk will not start: the lines "
		     "marked RED under 'Will it boot?' say why. 'Options' lets it be "
		     "restored all the same.",
	[TEXT_CONFIRM_TITLE] = "This disk will be erased",
	[TEXT_CONFIRM_TEXT] =
		"To start, type the last four characters of the serial "
		"number of this disk; of its WWN or of the file's name where "
		"it has none.",
	[TEXT_FIELD_CONFIRM] = "Last four",
	[TEXT_CONFIRM_WRONG] = "these are not its last four characters",
	[TEXT_OPTIONS_TITLE] = "Options",
	[TEXT_OPTION_PROVE] = "Read all of the backup before anything is erased",
	[TEXT_OPTION_IDS] = "New disk and partition ids (the original stays in the "
			    "machine)",
	[TEXT_OPTION_SHRINK] = "Refuse a disk that is too small, shrink nothing",
	[TEXT_OPTION_ENCRYPT] = "Refuse a share that is not encrypted",
	[TEXT_OPTION_RED] = "Restore even what the forecast says will not start",
	[TEXT_FIELD_GROW] = "Extend volume",
	[TEXT_GROW_WRONG] = "a drive letter such as C:, or nothing",
	[TEXT_SAVE_TITLE] = "Save the answers",
	[TEXT_SAVE_TEXT] = "The same restore as a command, and as an answer file that "
			   "restores without a question. The password is in neither.",
	[TEXT_FIELD_PATH] = "File",
	[TEXT_SAVED] = "Saved.",

	/* progress and result */
	[TEXT_PROGRESS_TITLE] = "Restoring",
	[TEXT_PHASE_SCAN] = "Searching the source",
	[TEXT_PHASE_MEASURE] = "Working out how small volumes can be",
	[TEXT_PHASE_PREPARE] = "Preparing: nothing is written yet",
	[TEXT_PHASE_PROVE] = "Reading the backup before anything is erased",
	[TEXT_PHASE_COMPARE] = "Comparing the disk with the backup",
	[TEXT_PHASE_ERASE] = "Erasing the old table",
	[TEXT_PHASE_COPY] = "Writing",
	[TEXT_PHASE_VERIFY] = "Reading back and comparing",
	[TEXT_PHASE_COMMIT] = "Making the disk startable",
	[TEXT_PHASE_DONE] = "Done",
	[TEXT_PROGRESS_BYTES] = "{1} of {2} written",
	[TEXT_PROGRESS_READ] = "{1} of {2} read",
	[TEXT_PROGRESS_RATE] = "{1}/s now, {2}/s on average",
	[TEXT_PROGRESS_LEFT] = "{1} left",
	[TEXT_PROGRESS_LIMIT] = "source busy {1} %, disk busy {2} %",
	[TEXT_PROGRESS_RETRIES] = "begun again: {1}, connection lost and back: {2}",
	[TEXT_PROGRESS_LOST] = "WAITING FOR THE SERVER: {1} s, try {2}",
	[TEXT_PROGRESS_STALL] = "NO BYTE FOR {1} s: is the server still there?",
	[TEXT_VOLUME_NUMBER] = "(volume {1} of {2})",
	[TEXT_VOLUME_AMOUNT] = "{1} of {2}",
	[TEXT_VOLUME_WAITS] = "waits, {2}",
	[TEXT_VOLUME_DONE] = "done, {1}",
	[TEXT_STOP_TITLE] = "Stop the restore?",
	[TEXT_STOP_TEXT] = "The disk is half written and will not start. What has been "
			   "written is kept: the restore can be resumed where it "
			   "stopped.",
	[TEXT_STOP_EARLY] = "Nothing has been written yet: the disk is as it was before, "
			    "and stays so if you stop now.",
	[TEXT_STOPPING] = "Stopping. What has been begun is brought to a safe end.",
	[TEXT_RESTORE_RUNS] = "a restore is running already: wait for its end",
	[TEXT_RESULT_TITLE] = "Restored",
	[TEXT_RESULT_BAD_TITLE] = "Not restored",
	[TEXT_RESULT_DONE] = "The restore is complete, and all that was written has been "
			     "read back and compared.",
	[TEXT_RESULT_FAILED] = "The restore failed.",
	[TEXT_RESULT_STOPPED] = "The restore was stopped before the disk was changed.",
	[TEXT_RESULT_REFUSED] = "The plan is refused; nothing was written.",
	[TEXT_RESULT_RESUMABLE] =
		"The restore stopped half-way. The disk does not start; "
		"the same restore goes on where it stopped.",
	[TEXT_KEYBOARD_TEST] = "Type here what you will type later: a password, \\ @ : /",
	[TEXT_FIELD_TEST] = "Try it",

	/* help */
	[TEXT_HELP_KEYS] =
		"Tab and the arrow keys go from field to field, Enter chooses, Esc goes "
		"back. PgUp and PgDn scroll a long text. F3 opens a shell, F8 shows the "
		"log of all commands and saves it.",
	[TEXT_HELP_START] =
		"Seven screens lead to a restore: where the backup is, which one, which "
		"volumes, onto which disk, the plan, its progress, the result. Esc goes "
		"back from each, and what was answered stays.\n\n"
		"Nothing is written to any disk before the plan was shown and a part of "
		"the disk's serial number was typed.",
	[TEXT_HELP_HALF] =
		"Resume: what was written is kept, read back and compared; the rest is "
		"copied. It needs the same backup at the same place.\n\n"
		"Start again: the way through the screens from the beginning.\n\n"
		"Leave: nothing is written; the first screen can resume it later.",
	[TEXT_HELP_SOURCE] =
		"\\\\server\\share\\folder or smb://server/share/folder: a share. The "
		"user "
		"may be written user, DOMAIN\\user or user@realm; there is no anonymous "
		"access. The connection is encrypted where the server can, else "
		"signed.\n\n"
		"/folder: a folder that is mounted here.\n\n"
		"In the recovery environment the disks of this machine are searched "
		"while this is shown.\n"
		"'Disks of this machine' searches all its disks, USB disks as well, and "
		"their shadow copies; nothing is written to them.",
	[TEXT_HELP_BACKUP] =
		"whole: fit for a bare-metal restore as far as can be told without "
		"reading "
		"all of it.\npartial: only files or system state were backed up.\n"
		"damaged: something is missing or broken; the line below the list says "
		"what.\n\n'Details' shows volumes, the disk's layout and where each "
		"value "
		"was found.",
	[TEXT_HELP_VOLUMES] =
		"What Windows needs to start: system, boot and recovery volumes as the "
		"backup names them. Data volumes on the same disk are left alone where "
		"the disk is intact (same table, same ids).",
	[TEXT_HELP_TARGET] =
		"A disk is known by its serial number or WWN, never by its name, which "
		"changes from start to start. First comes the disk that carries the ids "
		"of "
		"the one that was backed up (*), then others, removable ones, and those "
		"marked x with the reason below the list. Disks that hold the backup, "
		"that this "
		"program was started from, or that are in use cannot be chosen.",
	[TEXT_HELP_PLAN] =
		"What is on the disk now and will be erased, and what will be there "
		"afterwards. 'refused' stops a restore, 'warning' does not.\n\n"
		"'Options' changes how it is done, 'Save answers' writes the same as a "
		"file for later.",
	[TEXT_HELP_CONFIRM] =
		"This is the last question. The serial number stands on the "
		"disk's label as well.",
	[TEXT_HELP_OPTIONS] =
		"Reading all of the backup first takes about as long as the restore, and "
		"finds a broken backup while the old disk is still there.\n\n"
		"Extend volume: space that a larger disk has more goes to this volume.",
	[TEXT_HELP_SAVE] =
		"The stick has it in its root as openbmr.ini, with user and password in "
		"openbmr.cred beside it:\n\nusername = ...\npassword = ...\n\nFor a "
		"BitLocker disk that file has the recovery key in a line.\n\nThe share "
		"has "
		"it below openbmr/, under the name of this machine; a stick whose "
		"openbmr.ini has nothing but [source] leads there.",
	[TEXT_HELP_PROGRESS] =
		"The bar at the bottom is of all volumes in this step, the lines above "
		"it "
		"of each. Bytes count when they are written. After the copy all of it is "
		"read "
		"back "
		"from the disk and compared, then the disk is made startable as the last "
		"step. If power or network fail, the restore can be resumed.",
	[TEXT_HELP_RESULT] = "The log (F8) has all that the commands said.",
	[TEXT_HELP_NETWORK] =
		"Wired interfaces with driver, link, speed and addresses. 'Set up again' "
		"asks for addresses by DHCP once more.",
	[TEXT_HELP_KEYBOARD] =
		"The layout is that of the keyboard at this machine. A terminal at the "
		"other end of a serial line has its own.",

	/* network */
	[TEXT_BROWSE] = "Browse",
	[TEXT_BROWSE_TITLE] = "What is on the server?",
	[TEXT_BROWSE_HERE] = "(take this folder)",
	[TEXT_BROWSE_UP] = "(one level up)",
	[TEXT_BROWSE_OPEN] = "Open",
	[TEXT_BROWSE_HIDDEN] = "Hidden ones",
	[TEXT_SERVER_MISSING] = "a server is needed, such as \\\\nas1",
	[TEXT_PROBE] = "Test the way there",
	[TEXT_PROBE_TITLE] = "The way to the share",
	[TEXT_NETWORK_ADDRESS] = "Address...",
	[TEXT_ADDRESS_TITLE] = "Address of this machine",
	[TEXT_ADDRESS_TEXT] = "Without an address it is asked for by DHCP. The interface "
			      "may be left out where one cable is plugged in.",
	[TEXT_FIELD_INTERFACE] = "Interface or MAC",
	[TEXT_FIELD_ADDRESS] = "Address/length",
	[TEXT_FIELD_GATEWAY] = "Gateway",
	[TEXT_FIELD_DNS] = "Name servers",
	[TEXT_FIELD_VLAN] = "VLAN",
	[TEXT_APPLY] = "Apply",
	[TEXT_CLOCK] = "Clock: ",
	[TEXT_CLOCK_WRONG] = "The clock of this machine shows {1} UTC, which cannot be "
			     "right; it is set by the server's when a share is searched.",
	[TEXT_HELP_ADDRESS] =
		"Address with the length of its network, such as "
		"192.0.2.10/24 or 2001:db8::10/64, and a gateway within it. "
		"Name servers: addresses with commas between them. VLAN: the "
		"number of a tagged network, 1 to 4094. The interface may be "
		"named as the page before shows it. The answer file has the "
		"same keys in [network].",
	[TEXT_HELP_BROWSE] =
		"Enter opens what the bar stands on; '(take this folder)' "
		"goes back and fills it in. Hidden shares end in '$', such as"
		" C$.",
	[TEXT_FILES] = "Take files out",
	[TEXT_FILES_BUTTON] = "Files...",
	[TEXT_FILES_VOLUME] = "Files of which volume?",
	[TEXT_FILES_OPEN] = "Open",
	[TEXT_FILES_TAKE] = "Take out",
	[TEXT_FILES_TO] = "Where should the files go?",
	[TEXT_FILES_TO_TEXT] = "A folder, \\\\server\\share\\folder, or a partition of "
			       "a disk of this machine: disk:serial:NUMBER/1/folder. "
			       "Nothing there is overwritten. User and password are for "
			       "a share only.",
	[TEXT_FIELD_TO] = "Destination",
	[TEXT_TO_MISSING] = "a destination is needed",
	[TEXT_FILES_TAKEN] = "{1} files, {2}",
	[TEXT_FILES_RESULT] = "What was taken out",
	[TEXT_HELP_FILES] =
		"Choose a volume of the backup and walk its folders: 'Open' (Enter) goes "
		"into a folder, '..' goes up.\n\n'Take out' copies what the cursor "
		"stands "
		"on, with all that is in it; on '..' the folder that is shown. What "
		"cannot "
		"be read (encrypted, deduplicated, in a cloud) says why.\n\nThe same as "
		"a "
		"command: bmr files get.",
	[TEXT_NEWER] = "Files newer than the backup",
	[TEXT_NEWER_BUTTON] = "Newer files...",
	[TEXT_NEWER_TEXT] = "These files on the disk were written after the backup. A "
			    "restore erases them unless they are saved before:",
	[TEXT_NEWER_SAVE] = "Save them...",
	[TEXT_HELP_NEWER] =
		"Partition, size, time (UTC) and path of each file. Files of Windows "
		"itself (logs, caches) are counted, not listed.\n\n'Save them' copies "
		"all of them to a folder, a share or a USB disk, in a folder for each "
		"partition.\n\nThe same as a command: bmr files newer.",
	[TEXT_HELP_EXCLUDE] =
		"An excluded disk is never written to, not even where it carries the "
		"ids of a disk of the backup. Tick the disks with the data that must "
		"survive.",
	[TEXT_STATE_BUTTON] = "System state...",
	[TEXT_STATE_TITLE] = "System state onto a Windows that is there",
	[TEXT_STATE_TEXT] = "These files of the backup replace those of the Windows on "
			    "the disk; what is replaced is kept in a folder beside. The "
			    "space bar ticks and unticks.",
	[TEXT_STATE_DISK] = "Which disk has the Windows whose system state is put back? "
			    "Nothing else on it changes.",
	[TEXT_STATE_REGISTRY] = "Registry",
	[TEXT_STATE_BOOT] = "Boot files",
	[TEXT_STATE_CATALOGS] = "Catalogues (signatures of drivers and updates)",
	[TEXT_STATE_OTHER] = "Even if the computer has another name than the backup's",
	[TEXT_STATE_DOMAIN] =
		"Even if it is a domain controller (its directory stays as it is)",
	[TEXT_STATE_NONE] =
		"Tick the registry, boot files or catalogues: nothing would be put back.",
	[TEXT_STATE_CONFIRM] = "Files on this disk will be replaced",
	[TEXT_STATE_HALF] =
		"A change of the system state stopped half-way on this disk: nothing "
		"mounts or starts its Windows. All that is missing is on the disk; it is "
		"brought to its end without the backup.",
	[TEXT_FIELD_PARTITION] = "Partition",
	[TEXT_PARTITION_WRONG] = "a number, or nothing: the only one with Windows",
	[TEXT_HELP_STATE] =
		"For a Windows that starts badly, or not at all, while its volume and "
		"files are there. Of a backup of the system state alone, or of any with "
		"Windows' volume.\n\nThe plan lists every file that is replaced, added "
		"or emptied; old files are kept in \\openbmr-replaced-DATE. Boot files "
		"go "
		"onto the EFI system partition, or System Reserved, too. Another "
		"computer, another build of Windows and domain controllers are refused. "
		"What needs a Windows that runs is said.\n\nThe same as a command: bmr "
		"restore-systemstate.",
};
