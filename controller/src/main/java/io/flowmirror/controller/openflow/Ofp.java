// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;

/**
 * Numbers of OpenFlow 1.3.5 (section 7), of the ONF extensions 187 and 230, and of Open vSwitch's
 * Nicira extension (include/openflow/nicira-ext.h), under the names that they have there.
 */
final class Ofp {
  static final int VERSION_13 = 4;
  static final int HEADER_BYTES = 8;

  // Message types (7.1).
  static final int OFPT_HELLO = 0;
  static final int OFPT_ERROR = 1;
  static final int OFPT_ECHO_REQUEST = 2;
  static final int OFPT_ECHO_REPLY = 3;
  static final int OFPT_EXPERIMENTER = 4;
  static final int OFPT_FEATURES_REPLY = 6;
  static final int OFPT_GET_CONFIG_REPLY = 8;
  static final int OFPT_PACKET_IN = 10;
  static final int OFPT_FLOW_REMOVED = 11;
  static final int OFPT_PORT_STATUS = 12;
  static final int OFPT_FLOW_MOD = 14;
  static final int OFPT_PORT_MOD = 16;
  static final int OFPT_MULTIPART_REQUEST = 18;
  static final int OFPT_MULTIPART_REPLY = 19;
  static final int OFPT_BARRIER_REPLY = 21;
  static final int OFPT_QUEUE_GET_CONFIG_REPLY = 23;
  static final int OFPT_ROLE_REQUEST = 24;
  static final int OFPT_ROLE_REPLY = 25;
  static final int OFPT_GET_ASYNC_REPLY = 27;
  static final int OFPT_SET_ASYNC = 28;

  private static final ImmutableList<String> MESSAGES =
      ImmutableList.copyOf(
          Splitter.on(' ')
              .split(
                  "HELLO ERROR ECHO_REQUEST ECHO_REPLY EXPERIMENTER FEATURES_REQUEST FEATURES_REPLY"
                      + " GET_CONFIG_REQUEST GET_CONFIG_REPLY SET_CONFIG PACKET_IN FLOW_REMOVED"
                      + " PORT_STATUS PACKET_OUT FLOW_MOD GROUP_MOD PORT_MOD TABLE_MOD"
                      + " MULTIPART_REQUEST MULTIPART_REPLY BARRIER_REQUEST BARRIER_REPLY"
                      + " QUEUE_GET_CONFIG_REQUEST QUEUE_GET_CONFIG_REPLY ROLE_REQUEST ROLE_REPLY"
                      + " GET_ASYNC_REQUEST GET_ASYNC_REPLY SET_ASYNC METER_MOD"));

  /** The hello element that names versions (7.5.1). */
  static final int OFPHET_VERSIONBITMAP = 1;

  // Multipart types (7.3.5).
  static final int OFPMP_DESC = 0;
  static final int OFPMP_FLOW = 1;
  static final int OFPMP_TABLE = 3;
  static final int OFPMP_PORT_DESC = 13;
  static final int OFPMP_EXPERIMENTER = 0xffff;
  static final int OFPMPF_REPLY_MORE = 1;

  // Ports (7.2.1).
  static final int OFPP_ANY = 0xffffffff;
  static final int OFPG_ANY = 0xffffffff;
  static final int OFPPC_PORT_DOWN = 1;
  static final int OFPPS_LINK_DOWN = 1;
  static final int OFPPR_DELETE = 1;

  // Flow entries (7.2.2 to 7.3.4).
  static final int OFPMT_OXM = 1;
  static final int OFPXMC_EXPERIMENTER = 0xffff;
  static final int OFPIT_APPLY_ACTIONS = 4;
  static final int OFPAT_OUTPUT = 0;
  static final int OFPAT_SET_FIELD = 25;
  static final int OFPAT_EXPERIMENTER = 0xffff;
  static final int OFPFC_ADD = 0;
  static final int OFPFC_DELETE_STRICT = 4;
  static final int OFPFF_SEND_FLOW_REM = 1;
  static final int OFPTT_MAX = 0xfe;
  static final int OFPTT_ALL = 0xff;
  static final int OFP_NO_BUFFER = 0xffffffff;

  // Nicira's actions.
  static final int NX_VENDOR_ID = 0x2320;
  static final int NXAST_REG_LOAD = 7;
  static final int NXAST_RESUBMIT_TABLE = 14;

  /** OFPP_IN_PORT, in the 16 bits that a resubmit has for it. */
  static final int NX_IN_PORT = 0xfff8;

  /** OFPCR_ROLE_MASTER (section 7.3.9). */
  static final int OFPCR_ROLE_MASTER = 2;

  // ONF extensions: bundles (230) and flow monitor (187).
  static final int ONF_EXPERIMENTER_ID = 0x4f4e4600;
  static final int ONF_BUNDLE_CONTROL = 2300;
  static final int ONF_BUNDLE_ADD_MESSAGE = 2301;
  static final int ONF_FLOW_MONITOR = 1870;
  static final int ONF_FLOW_MONITOR_PAUSED = 1871;
  static final int ONF_FLOW_MONITOR_RESUMED = 1872;
  static final int ONFFME_DELETED = 1;
  static final int ONFFME_MODIFIED = 2;

  /**
   * ONFFMF_ADD, ONFFMF_DELETE, ONFFMF_MODIFY and ONFFMF_INSTRUCTIONS; without ONFFMF_OWN, ours come
   * abbreviated.
   */
  static final int ONFFMF_CHANGES = 0x1e;

  // The reply to each is the next number.
  static final int OFPBCT_OPEN_REQUEST = 0;
  static final int OFPBCT_COMMIT_REQUEST = 4;
  static final int OFPBCT_DISCARD_REQUEST = 6;

  /** OFPBF_ATOMIC and OFPBF_ORDERED. */
  static final int OFPBF_ATOMIC_ORDERED = 3;

  private Ofp() {}

  /** A message's name, or its number if it has none. */
  static String message(int type) {
    return type < MESSAGES.size() ? "OFPT_" + MESSAGES.get(type) : "a message of type " + type;
  }
}
