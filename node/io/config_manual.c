/* The manual page of the configuration, docs/regpair.yaml.5: what the tables say, in roff. */
#include "node/io/config_keys.h"

static const char head[] =
	".TH REGPAIR.YAML 5 \"\" \"Regpair\" \"Regpair\"\n"
	".\\\" Made by `regpaird --print-manual`: the keys stand in node/io/config_table.h.\n"
	".SH NAME\n"
	"regpair.yaml \\- the configuration of a node of a Regpair SIP registrar pair\n"
	".SH DESCRIPTION\n"
	"One YAML file, as a rule\n"
	".IR /etc/regpair/regpair.yaml :\n"
	"keys at the top, groups of keys, and the lists\n"
	".BR transports ,\n"
	".B domains\n"
	"and\n"
	".BR naps .\n"
	"Below, a key of a group or of a list's items stands behind the group's name and a dot.\n"
	"A duration or a size has its unit: 200 ms, 30 s, 10 min, 1 h, 7 d; 64 MiB.\n"
	"An unknown key, a value out of bounds, or keys that do not fit together refuse the file "
	"as a\n"
	"whole, with the line and what would be right\n"
	".RB ( \"regpaird \\-\\-check\" ).\n"
	".PP\n"
	"Keys that are marked so must be equal on both nodes; where they are not, both say so\n"
	".RB ( config_differs\n"
	"in\n"
	".BR \"regpairctl status\" ).\n"
	"The file holds the passwords of NAPs: it is to be read by the user of\n"
	".BR regpaird (8)\n"
	"alone.\n"
	".SH RELOADING\n"
	".B regpairctl reload\n"
	"or SIGHUP reads the file again, whole or not at all.\n"
	"NAPs come, change and go at once: one that gains\n"
	".B register_to_proxy\n"
	"registers, one that loses it or is gone is un-registered, another is left as it is.\n"
	"A key that is not marked as changed by a reload wants a restart: if it differs, the\n"
	"reload is refused, and the key is named.\n"
	"Each change is shown, secrets are not.\n"
	"In a pair, reload both nodes.\n";

static const char tail[] = ".SH EXAMPLE\n"
			   ".nf\n"
			   "unit: primary\n"
			   "cluster: {dir: /etc/regpair/pair}\n"
			   "peer: {address: 10.0.0.12, listen: 10.0.0.11}\n"
			   "keepalived: {instance: VI_SIP, address: 10.0.0.10}\n"
			   "transports:\n"
			   "  \\- {name: udp, protocol: udp, address: 10.0.0.10}\n"
			   "  \\- {name: tcp, protocol: tcp, address: 10.0.0.10}\n"
			   "domains:\n"
			   "  \\- {name: example.com}\n"
			   "naps:\n"
			   "  \\- name: carrier\n"
			   "    proxy: sip.carrier.example\n"
			   "    register_to_proxy: yes\n"
			   "    address_to_register: sip:trunk17@carrier.example\n"
			   "    password: secret\n"
			   ".fi\n"
			   ".SH SEE ALSO\n"
			   ".BR regpaird (8),\n"
			   ".BR regpairctl (1)\n";

static void put_text(FILE *to, struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '-' || text.p[i] == '\\')
			(void)fputc('\\', to);
		(void)fputc(text.p[i] == '\\' ? 'e' : text.p[i], to);
	}
}

/* Its first letter large, as a sentence begins. */
static void put_sentence(FILE *to, struct slice text)
{
	uint8_t first = text.p[0];
	bool small = first >= 'a' && first <= 'z';

	(void)fputc(small ? first - 'a' + 'A' : first, to);
	put_text(to, slice_from(text, 1));
}

static void put_key(FILE *to, const struct config_key *key)
{
	uint8_t room[CONFIG_VALUE_MAX];
	struct buf wants = buf_on(room, sizeof room);

	config_key_wants(key, &wants);
	(void)fputs(".TP\n.B ", to);
	put_text(to, slice_str(key->key));
	(void)fputc('\n', to);
	put_sentence(to, slice_str(key->help));
	(void)fputs(".\n", to);
	put_sentence(to, buf_slice(&wants));
	if (key->def != NULL && key->def[0] != '\0') {
		(void)fputs("; default ", to);
		put_text(to, slice_str(key->def));
	}
	(void)fprintf(to, ".%s%s\n",
	              (key->flags & CONFIG_SHARED) != 0 ? " Equal on both nodes." : "",
	              (key->flags & CONFIG_LIVE) != 0 ? " A reload changes it." : "");
}

static void put_keys(FILE *to, const char *title, struct config_keys keys)
{
	(void)fprintf(to, ".SH %s\n", title);
	for (size_t i = 0; i < keys.n; i++)
		put_key(to, &keys.at[i]);
}

void config_print_manual(FILE *to)
{
	(void)fputs(head, to);
	put_keys(to, "KEYS AND GROUPS", config_keys_top());
	for (const struct config_list *list = config_lists(); list < config_lists() + CONFIG_LISTS;
	     list++) {
		char title[64];
		(void)snprintf(title, sizeof title, "THE LIST %s", list->name);
		put_keys(to, title, list->keys);
	}
	(void)fputs(tail, to);
}
