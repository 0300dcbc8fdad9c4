/* mib.h - REGPAIR-MIB: how SNMP calls what the status table holds, ha/snmp/REGPAIR-MIB.txt.
 *
 *	1 objects: 1 figures (scalar 1.1.OID.0), 2 alarms, 3 NAPs, 4 domains, 5 the node, 6 notified only
 *	0 notifications: of roles, NAPs and the node; 100 + OID: an alarm was raised, 300 + OID: cleared
 *	2 conformance
 *
 * The scripts in ha/snmp answer by these numbers; tests/snmp compares. A number is given once, never again. */
#ifndef NODE_IO_MIB_H
#define NODE_IO_MIB_H

#include <stdio.h>

#include "node/core/status.h"

/* Where it all hangs: this and BASE in ha/snmp/regpair_snmp.py change together. */
#define MIB_PARENT        "netSnmpPlaypen"
#define MIB_PARENT_MODULE "NET-SNMP-MIB"
#define MIB_NUMBER        7060

void mib_print(FILE *to);
/* The word for a figure's type in the language of snmpd's pass_persist. */
const char *mib_pass_type(const struct status_field *f);

#endif
