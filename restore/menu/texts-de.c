/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The menu's texts in German. */
#include "texts.h"

const char *const texts_de[TEXT_COUNT] = {
	[TEXT_NONE] = "",
	[TEXT_PRODUCT] = "openbmr: Bare-Metal-Wiederherstellung von Windows-Rechnern",
	[TEXT_KEYS] = "F1 Hilfe   F3 Shell   F8 Protokoll   Tab weiter   Enter wählen   "
		      "Esc zurück",

	[TEXT_OK] = "OK",
	[TEXT_BACK] = "Zurück",
	[TEXT_CANCEL] = "Abbrechen",
	[TEXT_GO_ON] = "Weiter",
	[TEXT_DETAILS] = "Einzelheiten",
	[TEXT_SEARCH] = "Suchen",
	[TEXT_LOCAL_DISKS] = "Platten dieses Rechners",
	[TEXT_NETWORK] = "Netzwerk",
	[TEXT_NETWORK_AGAIN] = "Neu einrichten",
	[TEXT_SEARCH_AGAIN] = "Neu suchen",
	[TEXT_START_DOTS] = "Starten...",
	[TEXT_OPTIONS] = "Optionen",
	[TEXT_SAVE] = "Antworten sichern",
	[TEXT_SAVE_NOW] = "Sichern",
	[TEXT_SAVE_STICK] = "Auf den Stick",
	[TEXT_SAVE_SHARE] = "Auf die Freigabe",
	[TEXT_START_NOW] = "Starten",
	[TEXT_STOP_DOTS] = "Anhalten...",
	[TEXT_STOP_YES] = "Wiederherstellung anhalten",
	[TEXT_RESUME] = "Fortsetzen",
	[TEXT_FIRST_SCREEN] = "Erste Seite",

	[TEXT_HELP] = "Hilfe",
	[TEXT_LOG] = "Protokoll",
	[TEXT_LOG_EMPTY] = "Im Protokoll steht noch nichts.",
	[TEXT_SAVE_LOG] = "Protokoll sichern",
	[TEXT_SAVE_LOG_TEXT] = "Protokoll, letzter Plan und Bericht, Platten, Geräte, "
			       "Netzwerk und Versionen in "
			       "einer Datei, ohne Kennwörter und Schlüssel. stick:NAME "
			       "liegt auf dem Stick, von "
			       "dem dieser Rechner startete, "
			       "smb://benutzer@server/freigabe/NAME auf einer "
			       "Freigabe.",
	[TEXT_SHELL] = "Shell",
	[TEXT_SHELL_HINT] = "Eine Shell; 'exit' führt zurück zum Menü.",
	[TEXT_NO_SHELL] = "Hier gibt es keine Shell.",
	[TEXT_FAILED] = "Das ging nicht",
	[TEXT_NO_REASON] = "Der Befehl schlug fehl, ohne zu sagen warum; im Protokoll "
			   "(F8) steht vielleicht mehr.",
	[TEXT_NOT_POSSIBLE] = "Nicht möglich",
	[TEXT_PLEASE_WAIT] = "Bitte warten.",
	[TEXT_NUMBER] = "Nummer",
	[TEXT_NO_SUCH_NUMBER] = "diese Auswahl gibt es nicht",
	[TEXT_ACTION] = "was nun",
	[TEXT_TICK] = "Nummer zum An- oder Abwählen, leer: fertig",
	[TEXT_TICK_TEXT] = "Die Leertaste wählt an und ab.",
	[TEXT_PLAIN_CANCEL] = "(\"<\" und Enter hält an)",
	[TEXT_PLAIN_KEYS] =
		"Eine leere Antwort meint, was in Klammern steht. \"<\" geht zurück, "
		"\"?\" "
		"hilft, \"!\" öffnet eine Shell, \"log\" zeigt das Protokoll.",
	[TEXT_KEYBOARD_KERNEL] = "us",
	[TEXT_NO_SOURCE] = "noch keine Quelle",

	[TEXT_START_TITLE] = "Start",
	[TEXT_START_TEXT] =
		"Stellt Windows-Rechner aus einem WindowsImageBackup wieder "
		"her. Nichts wird geschrieben, bevor Sie den Plan gesehen und "
		"bestätigt haben.",
	[TEXT_START_RESTORE] = "Eine Sicherung wiederherstellen",
	[TEXT_START_RESUME] = "Die angehaltene Wiederherstellung fortsetzen",
	[TEXT_START_ANSWER] = "Wiederherstellen, wie es die Antwortdatei sagt",
	[TEXT_START_NETWORK] = "Netzwerk dieses Rechners",
	[TEXT_START_KEYBOARD] = "Tastaturbelegung",
	[TEXT_START_LANGUAGE] = "Language / Sprache",
	[TEXT_START_REBOOT] = "Neu starten",
	[TEXT_START_POWER_OFF] = "Ausschalten",
	[TEXT_START_LEAVE] = "Beenden",
	[TEXT_FIRMWARE_BIOS] = "Firmware: BIOS.",
	[TEXT_FIRMWARE_UEFI] = "Firmware: UEFI, ohne Angabe zu Secure Boot.",
	[TEXT_SECURE_BOOT_ON] = "Firmware: UEFI, Secure Boot ist an.",
	[TEXT_SECURE_BOOT_OFF] = "Firmware: UEFI, Secure Boot ist aus.",
	[TEXT_SHIM_LEVEL] = "Gestartet von shim, SBAT-Stand {1}.",
	[TEXT_ANSWER_FOUND] = "Eine Antwortdatei wurde gefunden.",
	[TEXT_ANSWER_MISSING] =
		"Eine Antwortdatei wurde gefunden, die nicht vollständig ist; nichts "
		"läuft von selbst: {1}. Was sie sagt, ist eingetragen.",
	[TEXT_ANSWER_BAD] = "Eine Antwortdatei wurde gefunden, der nicht gefolgt werden "
			    "kann: {1}.",
	[TEXT_ANSWER_CONFIRM] =
		"Die Platten, die die Antwortdatei nennt, werden gelöscht, "
		"wie es der Plan gezeigt hat. Starten?",

	[TEXT_HALF_TITLE] = "Eine Wiederherstellung blieb stehen",
	[TEXT_HALF_TEXT] = "Diese Platte ist halb wiederhergestellt und startet nicht:",
	[TEXT_HALF_BACKUP] = "Sicherung:   {1}, {2} UTC",
	[TEXT_HALF_DONE] = "Geschrieben: {1} von {2}",
	[TEXT_HALF_WHEN] = "Zuletzt:     {1} UTC, Plan {2}",
	[TEXT_HALF_SOURCE] = "Von:         {1}",
	[TEXT_HALF_LOGIN] =
		"Die Freigabe verlangt eine Anmeldung. Nennen Sie sie nur einem "
		"Server, den Sie kennen:",
	[TEXT_HALF_AGAIN] = "Von vorn",
	[TEXT_HALF_LEAVE] = "So lassen",

	[TEXT_SOURCE_TITLE] = "Wo ist die Sicherung?",
	[TEXT_SOURCE_TEXT] =
		"Eine Freigabe (\\\\server\\freigabe oder "
		"smb://server/freigabe/ordner), ein Ordner oder die Platten "
		"dieses Rechners. Die Sicherung wird in jeder Tiefe und unter "
		"jedem Namen gefunden.",
	[TEXT_FIELD_SOURCE] = "Freigabe oder Ordner",
	[TEXT_FIELD_USER] = "Benutzer",
	[TEXT_FIELD_PASSWORD] = "Kennwort",
	[TEXT_LOCAL_SEARCHED] = "Die Platten dieses Rechners werden durchsucht.",
	[TEXT_LOCAL_FOUND] = "Auf den Platten dieses Rechners: {1} ({2} insgesamt). "
			     "'Platten dieses Rechners' nimmt sie.",
	[TEXT_LOCAL_LOCKED] = "Eine Platte dieses Rechners ist von BitLocker gesperrt: "
			      "'Platten dieses Rechners' fragt nach dem Schlüssel.",
	[TEXT_LOCAL_NOTHING] =
		"Keine Sicherung auf den Platten dieses Rechners gefunden.",
	[TEXT_SOURCE_MISSING] = "eine Freigabe oder ein Ordner wird gebraucht",
	[TEXT_USER_MISSING] = "benutzer, DOMÄNE\\benutzer oder benutzer@realm",
	[TEXT_PASSWORD_MISSING] = "eine Freigabe verlangt ein Kennwort",
	[TEXT_SEARCH_TITLE] = "Suche nach Sicherungen",
	[TEXT_SEARCHED] = "{1} Ordner und {2} Dateien durchsucht. Gefunden:",
	[TEXT_NETWORK_UP] = "Das Netzwerk wird eingerichtet",

	[TEXT_BACKUP_TITLE] = "Welche Sicherung?",
	[TEXT_BACKUP_TEXT] = "Die neueste vollständige wird vorgeschlagen. Zeiten sind "
			     "UTC, in Klammern Ortszeit.",
	[TEXT_VOLUMES_SHORT] = "Vol.",

	[TEXT_VOLUMES_TITLE] = "Was soll wiederhergestellt werden?",
	[TEXT_VOLUMES_TEXT] = "Was nicht wiederhergestellt wird, bleibt auf einer "
			      "unversehrten Platte, wie es ist, und wird auf einer neuen "
			      "leer angelegt.",
	[TEXT_VOLUMES_CRITICAL] = "Was Windows zum Starten braucht (üblich)",
	[TEXT_VOLUMES_ALL] = "Alle Volumes der Sicherung",
	[TEXT_VOLUMES_CHOOSE] = "Volumes auswählen...",
	[TEXT_LOOKING_AT_DISKS] = "Die Platten werden angesehen",
	[TEXT_TARGET_TITLE] = "Wohin?",
	[TEXT_TARGET_TEXT] = "Alles auf der gewählten Platte kann verloren gehen; der "
			     "Plan sagt, was. * ist nach ihren Kennungen die gesicherte "
			     "Platte, x nicht wählbar.",
	[TEXT_TARGET_SAME] = "trägt die Kennungen dieser Platte der Sicherung",
	[TEXT_TARGET_BY_IDS] = "nicht genannt: an ihren Kennungen gefunden oder unnötig",
	[TEXT_EXCLUDE] = "Ausnehmen...",
	[TEXT_EXCLUDE_TITLE] = "Platten, auf die nichts geschrieben wird",
	[TEXT_EXCLUDE_TEXT] = "Eine angekreuzte Platte bleibt, wie sie ist, was sonst "
			      "auch gewählt wird. Die Leertaste kreuzt an.",
	[TEXT_EXCLUDED] = "sie ist ausgenommen: 'Ausnehmen...' ändert das",
	[TEXT_EXCLUDE_NONE] = "Keine Platte dieses Rechners hat eine Seriennummer oder "
			      "WWN, mit der sie auszunehmen wäre.",
	[TEXT_TARGET_FILE] = "Eine Datei als Plattenabbild...",
	[TEXT_TARGET_FILE_TEXT] = "Ein rohes Plattenabbild, das angelegt wird, wenn es "
				  "fehlt. qemu-img convert macht "
				  "andere Formate daraus.",
	[TEXT_TARGET_FILE_WRONG] = "ein Pfad, in dem ein '/' vorkommt",
	[TEXT_SOURCE_DISK] = "Platte der Sicherung",
	[TEXT_PARTITIONS] = "Partitionen",
	[TEXT_DISK_WITHOUT_NAME] = "sie hat weder Seriennummer noch WWN, an der sie zu "
				   "erkennen wäre",

	[TEXT_PLANNING] = "Der Plan wird gemacht",
	[TEXT_PLAN_TITLE] = "Der Plan",
	[TEXT_PLAN_REFUSED] = "Der Plan: abgelehnt",
	[TEXT_REFUSED] =
		"Der Plan ist abgelehnt. Die Zeilen, die mit 'refused' beginnen, "
		"sagen, warum, und was helfen würde.",
	[TEXT_RED] = "Nach der Vorhersage wird die Platte nicht starten: die Zeilen mit "
		     "RED unter 'Will it boot?' sagen, warum. Unter 'Optionen' lässt "
		     "sich trotzdem wiederherstellen.",
	[TEXT_CONFIRM_TITLE] = "Diese Platte wird gelöscht",
	[TEXT_CONFIRM_TEXT] =
		"Zum Starten die letzten vier Zeichen der Seriennummer "
		"dieser Platte eingeben; der WWN oder des Dateinamens, wenn "
		"sie keine hat.",
	[TEXT_FIELD_CONFIRM] = "Letzte vier",
	[TEXT_CONFIRM_WRONG] = "das sind nicht ihre letzten vier Zeichen",
	[TEXT_OPTIONS_TITLE] = "Optionen",
	[TEXT_OPTION_PROVE] = "Die ganze Sicherung lesen, bevor etwas gelöscht wird",
	[TEXT_OPTION_IDS] = "Neue Kennungen (die alte Platte bleibt im Rechner)",
	[TEXT_OPTION_SHRINK] = "Zu kleine Platten ablehnen, nichts verkleinern",
	[TEXT_OPTION_ENCRYPT] = "Unverschlüsselte Freigaben ablehnen",
	[TEXT_OPTION_RED] = "Auch wiederherstellen, was voraussichtlich nicht startet",
	[TEXT_FIELD_GROW] = "Volume vergrößern",
	[TEXT_GROW_WRONG] = "ein Laufwerksbuchstabe wie C:, oder nichts",
	[TEXT_SAVE_TITLE] = "Antworten sichern",
	[TEXT_SAVE_TEXT] = "Dieselbe Wiederherstellung als Befehl und als Antwortdatei, "
			   "die ohne Fragen wiederherstellt. Das Kennwort steht in "
			   "keinem von beiden.",
	[TEXT_FIELD_PATH] = "Datei",
	[TEXT_SAVED] = "Gesichert.",

	[TEXT_PROGRESS_TITLE] = "Wiederherstellung",
	[TEXT_PHASE_SCAN] = "Die Quelle wird durchsucht",
	[TEXT_PHASE_MEASURE] = "Mindestgrößen werden bestimmt",
	[TEXT_PHASE_PREPARE] = "Vorbereitung: noch wird nichts geschrieben",
	[TEXT_PHASE_PROVE] = "Die Sicherung wird vor dem Löschen gelesen",
	[TEXT_PHASE_COMPARE] = "Die Platte wird mit der Sicherung verglichen",
	[TEXT_PHASE_ERASE] = "Die alte Partitionstabelle wird gelöscht",
	[TEXT_PHASE_COPY] = "Schreiben",
	[TEXT_PHASE_VERIFY] = "Zurücklesen und Vergleichen",
	[TEXT_PHASE_COMMIT] = "Die Platte wird startfähig gemacht",
	[TEXT_PHASE_DONE] = "Fertig",
	[TEXT_PROGRESS_BYTES] = "{1} von {2} geschrieben",
	[TEXT_PROGRESS_READ] = "{1} von {2} gelesen",
	[TEXT_PROGRESS_RATE] = "jetzt {1}/s, im Mittel {2}/s",
	[TEXT_PROGRESS_LEFT] = "noch {1}",
	[TEXT_PROGRESS_LIMIT] = "Quelle zu {1} %, Platte zu {2} % beschäftigt",
	[TEXT_PROGRESS_RETRIES] =
		"neu begonnen: {1}, Verbindung verloren und zurück: {2}",
	[TEXT_PROGRESS_LOST] = "WARTE AUF DEN SERVER: {1} s, Versuch {2}",
	[TEXT_PROGRESS_STALL] = "SEIT {1} s KEIN BYTE: ist der Server noch da?",
	[TEXT_VOLUME_NUMBER] = "(Volume {1} von {2})",
	[TEXT_VOLUME_AMOUNT] = "{1} von {2}",
	[TEXT_VOLUME_WAITS] = "wartet, {2}",
	[TEXT_VOLUME_DONE] = "fertig, {1}",
	[TEXT_STOP_TITLE] = "Die Wiederherstellung anhalten?",
	[TEXT_STOP_TEXT] = "Die Platte ist halb beschrieben und startet nicht. Was "
			   "geschrieben ist, bleibt: es kann dort weitergehen, wo "
			   "angehalten wurde.",
	[TEXT_STOP_EARLY] = "Noch wurde nichts geschrieben: die Platte ist, wie sie war, "
			    "und bleibt so, wenn jetzt angehalten wird.",
	[TEXT_STOPPING] = "Wird angehalten. Begonnenes wird sicher zu Ende gebracht.",
	[TEXT_RESTORE_RUNS] = "eine Wiederherstellung läuft schon: ihr Ende abwarten",
	[TEXT_RESULT_TITLE] = "Wiederhergestellt",
	[TEXT_RESULT_BAD_TITLE] = "Nicht wiederhergestellt",
	[TEXT_RESULT_DONE] = "Die Wiederherstellung ist fertig; alles Geschriebene wurde "
			     "zurückgelesen und verglichen.",
	[TEXT_RESULT_FAILED] = "Die Wiederherstellung ist gescheitert.",
	[TEXT_RESULT_STOPPED] = "Angehalten, bevor die Platte verändert wurde.",
	[TEXT_RESULT_REFUSED] = "Der Plan ist abgelehnt; nichts wurde geschrieben.",
	[TEXT_RESULT_RESUMABLE] = "Auf halbem Weg angehalten. Die Platte startet nicht; "
				  "dieselbe Wiederherstellung macht dort weiter.",
	[TEXT_KEYBOARD_TEST] = "Hier eingeben, was später gebraucht wird: Kennwort, "
			       "\\ @ : /",
	[TEXT_FIELD_TEST] = "Probe",

	[TEXT_UNLOCK_TITLE] = "Ein BitLocker-Volume ist gesperrt",
	[TEXT_UNLOCK_TEXT] = "Der Wiederherstellungsschlüssel hat 48 Ziffern in acht "
			     "Gruppen; manche Volumes haben stattdessen ein Kennwort.",
	[TEXT_FIELD_RECOVERY] = "Schlüssel",
	[TEXT_FIELD_UNLOCK_PASSWORD] = "oder Kennwort",
	[TEXT_UNLOCK] = "Entsperren",
	[TEXT_UNLOCK_SHOW] = "Zeigen / verbergen",
	[TEXT_UNLOCK_WITHOUT] = "Ohne weiter",
	[TEXT_KEY_MISSING] = "ein Schlüssel oder ein Kennwort fehlt",
	[TEXT_KEY_TOO_LONG] = "hinter der achten Gruppe steht noch etwas",
	[TEXT_KEY_GROUP_WRONG] = "Gruppe {1}: nicht sechs Ziffern, durch 11 teilbar",
	[TEXT_KEY_REJECTED] = "das Eingegebene öffnet es nicht",
	[TEXT_HELP_UNLOCK] =
		"Der Wiederherstellungsschlüssel liegt, wo er beim Einschalten von "
		"BitLocker gesichert wurde: im Microsoft-Konto, in Active Directory oder "
		"Entra ID, in einer Textdatei, auf Papier. Seine Kennung steht in "
		"geschweiften Klammern hinter 'recovery key'. Jede Gruppe ist ein "
		"Vielfaches von 11, so dass Tippfehler sofort auffallen; zwischen den "
		"Gruppen Leerzeichen, Bindestriche oder nichts.\n\n"
		"Das Volume wird damit gelesen und bleibt gesperrt; geschrieben wird "
		"nichts darauf. Das Eingegebene bleibt nur im Speicher, bis zur ersten "
		"Seite oder zu einer anderen Quelle. Einen Startschlüssel (*.bek) nimmt "
		"die Befehlszeile: --unlock DATEI.",

	[TEXT_HELP_KEYS] =
		"Tab und Pfeiltasten gehen von Feld zu Feld, Enter wählt, Esc geht "
		"zurück. Bild auf und Bild ab blättern in langem Text. F3 öffnet eine "
		"Shell, F8 zeigt und sichert das Protokoll aller Befehle.",
	[TEXT_HELP_START] =
		"Sieben Seiten führen zur Wiederherstellung: wo die Sicherung ist, "
		"welche, "
		"welche Volumes, auf welche Platte, der Plan, der Verlauf, das Ergebnis. "
		"Esc geht überall zurück, und was beantwortet ist, bleibt.\n\n"
		"Auf keine Platte wird geschrieben, bevor der Plan gezeigt und ein Teil "
		"der Seriennummer eingegeben wurde.",
	[TEXT_HELP_HALF] =
		"Fortsetzen: was geschrieben ist, bleibt, wird zurückgelesen und "
		"verglichen; der Rest wird kopiert. Dazu muss dieselbe Sicherung am "
		"selben "
		"Ort liegen.\n\n"
		"Von vorn: der Weg durch alle Seiten.\n\n"
		"So lassen: nichts wird geschrieben; die erste Seite kann es später "
		"fortsetzen.",
	[TEXT_HELP_SOURCE] =
		"\\\\server\\freigabe\\ordner oder smb://server/freigabe/ordner: eine "
		"Freigabe. Der Benutzer darf benutzer, DOMÄNE\\benutzer oder "
		"benutzer@realm heißen; anonym geht es nicht. Die Verbindung ist "
		"verschlüsselt, wo der Server es kann, sonst signiert.\n\n"
		"/ordner: ein Ordner, der hier eingehängt ist.\n\n"
		"In der Rettungsumgebung werden die Platten durchsucht, während dies zu "
		"sehen ist.\n"
		"'Platten dieses Rechners' durchsucht alle, auch USB-Platten, und ihre "
		"Schattenkopien; geschrieben wird darauf nichts.",
	[TEXT_HELP_BACKUP] =
		"whole: geeignet, soweit man es ohne vollständiges Lesen sagen kann.\n"
		"partial: nur Dateien oder der Systemzustand wurden gesichert.\n"
		"damaged: etwas fehlt oder ist beschädigt; die Zeile unter der Liste "
		"sagt, "
		"was.\n\n'Einzelheiten' zeigt Volumes, Aufteilung der Platte und woher "
		"jeder Wert stammt.",
	[TEXT_HELP_VOLUMES] =
		"Was Windows zum Starten braucht: System-, Start- und "
		"Wiederherstellungs-Volumes, wie die Sicherung sie nennt. Daten-Volumes "
		"derselben Platte bleiben, wo die Platte unversehrt ist.",
	[TEXT_HELP_TARGET] =
		"Eine Platte wird an Seriennummer oder WWN erkannt, nie am "
		"Namen, der von "
		"Start zu Start wechselt. Zuerst steht die Platte mit den "
		"Kennungen der gesicherten (*), dann andere, wechselbare "
		"und zuletzt, mit x und dem Grund unter der Liste, was nicht "
		"wählbar ist. Platten mit der Sicherung, die "
		"des Startmediums "
		"und solche in Gebrauch sind nicht wählbar.",
	[TEXT_HELP_PLAN] =
		"Was auf der Platte ist und gelöscht wird, und was danach da sein wird. "
		"'refused' verhindert die Wiederherstellung, 'warning' nicht.\n\n"
		"'Optionen' ändert, wie es geschieht, 'Antworten sichern' schreibt "
		"dasselbe in eine Datei.",
	[TEXT_HELP_CONFIRM] = "Das ist die letzte Frage. Die Seriennummer steht auch auf "
			      "dem Aufkleber der Platte.",
	[TEXT_HELP_OPTIONS] =
		"Die ganze Sicherung vorher zu lesen dauert etwa so lange wie die "
		"Wiederherstellung und findet Schäden, solange die alte Platte noch da "
		"ist.\n\nVolume vergrößern: was eine größere Platte mehr hat, bekommt "
		"dieses Volume.",
	[TEXT_HELP_SAVE] =
		"Auf dem Stick liegt sie als openbmr.ini in der obersten Ebene, Benutzer "
		"und Kennwort in openbmr.cred daneben:\n\n"
		"username = ...\npassword = ...\n\nFür eine BitLocker-Platte steht darin "
		"der Wiederherstellungsschlüssel in einer Zeile.\n\nAuf der Freigabe "
		"liegt sie unter "
		"openbmr/ "
		"mit dem Namen dieses Rechners; ein Stick, dessen openbmr.ini nur "
		"[source] "
		"enthält, führt dorthin.",
	[TEXT_HELP_PROGRESS] = "Der Balken unten gilt für alle Volumes in diesem "
			       "Schritt, die Zeilen darüber für jedes einzelne. Bytes "
			       "zählen, wenn sie geschrieben sind. Danach wird "
			       "alles von der Platte "
			       "zurückgelesen und verglichen, zuletzt wird sie "
			       "startfähig gemacht. Fallen "
			       "Strom oder Netz aus, kann es später weitergehen.",
	[TEXT_HELP_RESULT] =
		"Das Protokoll (F8) enthält alles, was die Befehle gesagt haben.",
	[TEXT_HELP_NETWORK] =
		"Kabelgebundene Schnittstellen mit Treiber, Verbindung, Geschwindigkeit "
		"und Adressen. 'Neu einrichten' fragt noch einmal per DHCP.",
	[TEXT_HELP_KEYBOARD] = "Gemeint ist die Tastatur an diesem Rechner. Ein Terminal "
			       "am anderen Ende "
			       "einer seriellen Leitung hat seine eigene Belegung.",

	/* network */
	[TEXT_BROWSE] = "Blättern",
	[TEXT_BROWSE_TITLE] = "Was liegt auf dem Server?",
	[TEXT_BROWSE_HERE] = "(diesen Ordner nehmen)",
	[TEXT_BROWSE_UP] = "(eine Ebene höher)",
	[TEXT_BROWSE_OPEN] = "Öffnen",
	[TEXT_BROWSE_HIDDEN] = "Versteckte",
	[TEXT_SERVER_MISSING] = "ein Server fehlt, etwa \\\\nas1",
	[TEXT_PROBE] = "Weg dorthin prüfen",
	[TEXT_PROBE_TITLE] = "Der Weg zur Freigabe",
	[TEXT_NETWORK_ADDRESS] = "Adresse...",
	[TEXT_ADDRESS_TITLE] = "Adresse dieses Rechners",
	[TEXT_ADDRESS_TEXT] =
		"Ohne Adresse wird per DHCP gefragt. Die Schnittstelle darf "
		"fehlen, wenn nur ein Kabel steckt.",
	[TEXT_FIELD_INTERFACE] = "Schnittstelle/MAC",
	[TEXT_FIELD_ADDRESS] = "Adresse/Länge",
	[TEXT_FIELD_GATEWAY] = "Gateway",
	[TEXT_FIELD_DNS] = "Nameserver",
	[TEXT_FIELD_VLAN] = "VLAN",
	[TEXT_APPLY] = "Übernehmen",
	[TEXT_CLOCK] = "Uhr: ",
	[TEXT_CLOCK_WRONG] =
		"Die Uhr dieses Rechners zeigt {1} UTC, was nicht stimmen "
		"kann; sie wird nach dem Server gestellt, wenn eine Freigabe "
		"durchsucht wird.",
	[TEXT_HELP_ADDRESS] =
		"Die Adresse mit der Länge ihres Netzes, etwa 192.0.2.10/24 "
		"oder 2001:db8::10/64, und ein Gateway darin. Nameserver: "
		"Adressen mit Kommas dazwischen. VLAN: die Nummer eines "
		"Netzes, 1 bis 4094. Die Schnittstelle heißt, wie die Seite "
		"davor sie zeigt. Die Antwortdatei hat dieselben Schlüssel in"
		" [network].",
	[TEXT_HELP_BROWSE] =
		"Enter öffnet, worauf der Balken steht; '(diesen Ordner "
		"nehmen)' geht zurück und trägt ihn ein. Versteckte Freigaben"
		" enden auf '$', etwa C$.",
	[TEXT_FILES] = "Dateien herausholen",
	[TEXT_FILES_BUTTON] = "Dateien...",
	[TEXT_FILES_VOLUME] = "Dateien welches Volumes?",
	[TEXT_FILES_OPEN] = "Öffnen",
	[TEXT_FILES_TAKE] = "Herausholen",
	[TEXT_FILES_TO] = "Wohin mit den Dateien?",
	[TEXT_FILES_TO_TEXT] = "Ein Ordner, \\\\server\\freigabe\\ordner oder eine "
			       "Partition einer Platte dieses Rechners: "
			       "disk:serial:NUMMER/1/ordner. Nichts wird "
			       "überschrieben. Benutzer und Kennwort nur für eine "
			       "Freigabe.",
	[TEXT_FIELD_TO] = "Ziel",
	[TEXT_TO_MISSING] = "ein Ziel fehlt",
	[TEXT_FILES_TAKEN] = "{1} Dateien, {2}",
	[TEXT_FILES_RESULT] = "Was herausgeholt wurde",
	[TEXT_HELP_FILES] =
		"Ein Volume der Sicherung wählen und durch seine Ordner gehen: 'Öffnen' "
		"(Enter) geht hinein, '..' hinauf.\n\n'Herausholen' kopiert, worauf der "
		"Zeiger steht, mit allem darin; bei '..' den gezeigten Ordner. Was nicht "
		"lesbar ist (verschlüsselt, dedupliziert, in einer Cloud), sagt warum."
		"\n\nDasselbe als Befehl: bmr files get.",
	[TEXT_NEWER] = "Dateien, neuer als die Sicherung",
	[TEXT_NEWER_BUTTON] = "Neueres...",
	[TEXT_NEWER_TEXT] = "Diese Dateien auf der Platte wurden nach der Sicherung "
			    "geschrieben. Die Wiederherstellung löscht sie, wenn sie "
			    "nicht vorher gesichert werden:",
	[TEXT_NEWER_SAVE] = "Sichern...",
	[TEXT_HELP_NEWER] =
		"Partition, Größe, Zeit (UTC) und Pfad jeder Datei. Dateien von Windows "
		"selbst (Protokolle, Zwischenspeicher) werden nur gezählt.\n\n'Sichern' "
		"kopiert alle in einen Ordner, auf eine Freigabe oder eine USB-Platte, "
		"in einen Ordner je Partition.\n\nDasselbe als Befehl: bmr files newer.",
	[TEXT_HELP_EXCLUDE] =
		"Auf eine ausgenommene Platte wird nie geschrieben, auch wenn sie die "
		"Kennungen einer Platte der Sicherung trägt. Platten ankreuzen, deren "
		"Daten bleiben müssen.",
	[TEXT_STATE_BUTTON] = "Systemstatus...",
	[TEXT_STATE_TITLE] = "Systemstatus auf ein vorhandenes Windows",
	[TEXT_STATE_TEXT] = "Diese Dateien der Sicherung ersetzen die des Windows auf "
			    "der Platte; was ersetzt wird, bleibt in einem Ordner "
			    "daneben. Die Leertaste kreuzt an.",
	[TEXT_STATE_DISK] = "Welche Platte hat das Windows, dessen Systemstatus "
			    "zurückgespielt wird? Sonst ändert sich nichts auf ihr.",
	[TEXT_STATE_REGISTRY] = "Registrierung",
	[TEXT_STATE_BOOT] = "Startdateien",
	[TEXT_STATE_CATALOGS] = "Kataloge (Signaturen von Treibern und Updates)",
	[TEXT_STATE_OTHER] = "Auch wenn der Rechner anders heißt als in der Sicherung",
	[TEXT_STATE_DOMAIN] =
		"Auch auf einem Domänencontroller (sein Verzeichnis bleibt)",
	[TEXT_STATE_NONE] = "Registrierung, Startdateien oder Kataloge ankreuzen: sonst "
			    "ist nichts zu tun.",
	[TEXT_STATE_CONFIRM] = "Dateien dieser Platte werden ersetzt",
	[TEXT_STATE_HALF] =
		"Eine Änderung des Systemstatus ist auf dieser Platte auf halbem Weg "
		"stehen geblieben: nichts startet ihr Windows. Was fehlt, liegt auf der "
		"Platte; es wird ohne die Sicherung zu Ende gebracht.",
	[TEXT_FIELD_PARTITION] = "Partition",
	[TEXT_PARTITION_WRONG] = "eine Zahl, oder nichts: die einzige mit Windows",
	[TEXT_HELP_STATE] =
		"Für ein Windows, das schlecht oder nicht startet, dessen Volume und "
		"Dateien aber da sind. Aus einer Sicherung nur des Systemstatus oder "
		"jeder mit dem Volume von Windows.\n\nDer Plan nennt jede Datei, die "
		"ersetzt, hinzugefügt oder geleert wird; alte Dateien bleiben in "
		"\\openbmr-replaced-DATUM. Startdateien kommen auch auf die "
		"EFI-Systempartition oder die Partition 'System-reserviert'. Ein anderer "
		"Rechner, ein anderer Windows-Build und Domänencontroller werden "
		"abgelehnt. Was ein laufendes Windows braucht, wird gesagt.\n\nDasselbe "
		"als Befehl: bmr "
		"restore-systemstate.",
};
