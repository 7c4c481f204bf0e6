// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.controller.openflow.Incoming.SwitchError;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A switch's error in the specification's words (OpenFlow 1.3.5, section 7.4.4; Open vSwitch,
 * include/openvswitch/ofp-errors.h), such as {@code OFPET_BAD_MATCH/OFPBMC_BAD_PREREQ}.
 */
final class ErrorText {
  private static final int OFPET_EXPERIMENTER = 0xffff;

  /** Types by number: name, prefix of its codes, codes in order. */
  private static final ImmutableList<Type> TYPES =
      ImmutableList.of(
          type("HELLO_FAILED OFPHFC INCOMPATIBLE EPERM"),
          type(
              "BAD_REQUEST OFPBRC BAD_VERSION BAD_TYPE BAD_MULTIPART BAD_EXPERIMENTER BAD_EXP_TYPE"
                  + " EPERM BAD_LEN BUFFER_EMPTY BUFFER_UNKNOWN BAD_TABLE_ID IS_SLAVE BAD_PORT"
                  + " BAD_PACKET MULTIPART_BUFFER_OVERFLOW"),
          type(
              "BAD_ACTION OFPBAC BAD_TYPE BAD_LEN BAD_EXPERIMENTER BAD_EXP_TYPE BAD_OUT_PORT"
                  + " BAD_ARGUMENT EPERM TOO_MANY BAD_QUEUE BAD_OUT_GROUP MATCH_INCONSISTENT"
                  + " UNSUPPORTED_ORDER BAD_TAG BAD_SET_TYPE BAD_SET_LEN BAD_SET_ARGUMENT"),
          type(
              "BAD_INSTRUCTION OFPBIC UNKNOWN_INST UNSUP_INST BAD_TABLE_ID UNSUP_METADATA"
                  + " UNSUP_METADATA_MASK BAD_EXPERIMENTER BAD_EXP_TYPE BAD_LEN EPERM"),
          type(
              "BAD_MATCH OFPBMC BAD_TYPE BAD_LEN BAD_TAG BAD_DL_ADDR_MASK BAD_NW_ADDR_MASK"
                  + " BAD_WILDCARDS BAD_FIELD BAD_VALUE BAD_MASK BAD_PREREQ DUP_FIELD EPERM"),
          type(
              "FLOW_MOD_FAILED OFPFMFC UNKNOWN TABLE_FULL BAD_TABLE_ID OVERLAP EPERM BAD_TIMEOUT"
                  + " BAD_COMMAND BAD_FLAGS"),
          type("GROUP_MOD_FAILED OFPGMFC"),
          type("PORT_MOD_FAILED OFPPMFC BAD_PORT BAD_HW_ADDR BAD_CONFIG BAD_ADVERTISE EPERM"),
          type("TABLE_MOD_FAILED OFPTMFC BAD_TABLE BAD_CONFIG EPERM"),
          type("QUEUE_OP_FAILED OFPQOFC BAD_PORT BAD_QUEUE EPERM"),
          type("SWITCH_CONFIG_FAILED OFPSCFC BAD_FLAGS BAD_LEN EPERM"),
          type("ROLE_REQUEST_FAILED OFPRRFC STALE UNSUP BAD_ROLE"),
          type("METER_MOD_FAILED OFPMMFC"),
          type("TABLE_FEATURES_FAILED OFPTFFC"));

  private static final int FIRST_BUNDLE_ERROR = 2300;
  private static final ImmutableList<String> BUNDLE =
      words(
          "UNKNOWN EPERM BAD_ID BUNDLE_EXIST BUNDLE_CLOSED OUT_OF_BUNDLES BAD_TYPE BAD_FLAGS"
              + " MSG_BAD_LEN MSG_BAD_XID MSG_UNSUP MSG_CONFLICT MSG_TOO_MANY MSG_FAILED TIMEOUT"
              + " BUNDLE_IN_PROGRESS");

  private static final ImmutableMap<Integer, String> NICIRA =
      ImmutableMap.<Integer, String>builder()
          .put(2, "NXBRC_NXM_INVALID")
          .put(3, "NXBRC_NXM_BAD_TYPE")
          .put(4, "NXBRC_MUST_BE_ZERO")
          .put(6, "OFPMOFC_MONITOR_EXISTS")
          .put(7, "OFPMOFC_BAD_FLAGS")
          .put(11, "NXBAC_MUST_BE_ZERO")
          .put(12, "NXFMFC_HARDWARE")
          .put(13, "NXFMFC_BAD_TABLE_ID")
          .put(15, "NXBAC_BAD_CONJUNCTION")
          .put(37, "NXFMFC_INVALID_TLV_FIELD")
          .put(42, "NXBAC_CT_DATAPATH_SUPPORT")
          .put(43, "NXBMC_CT_DATAPATH_SUPPORT")
          .buildOrThrow();

  private ErrorText() {}

  /** The error in words; a number where no name is known. */
  static String of(SwitchError error) {
    if (error.type() == OFPET_EXPERIMENTER) {
      return "OFPET_EXPERIMENTER/" + experimenter(error);
    }
    if (error.type() >= TYPES.size()) {
      return "error type " + error.type() + " code " + error.code();
    }
    Type type = TYPES.get(error.type());
    return "OFPET_" + type.name + "/" + code(type.prefix, type.codes, error.code());
  }

  private static String experimenter(SwitchError error) {
    String name = null;
    if (error.experimenter() == Ofp.ONF_EXPERIMENTER_ID) {
      name = bundleError(error.code() - FIRST_BUNDLE_ERROR);
    } else if (error.experimenter() == Ofp.NX_VENDOR_ID) {
      name = NICIRA.get(error.code());
    }
    return name == null ? String.format("0x%08x/%d", error.experimenter(), error.code()) : name;
  }

  private static @Nullable String bundleError(int code) {
    return code >= 0 && code < BUNDLE.size() ? "OFPBFC_" + BUNDLE.get(code) : null;
  }

  private static String code(String prefix, List<String> codes, int code) {
    return prefix + "_" + (code < codes.size() ? codes.get(code) : code);
  }

  private record Type(String name, String prefix, ImmutableList<String> codes) {}

  private static Type type(String text) {
    ImmutableList<String> words = words(text);
    return new Type(words.get(0), words.get(1), words.subList(2, words.size()));
  }

  private static ImmutableList<String> words(String text) {
    return ImmutableList.copyOf(Splitter.on(' ').split(text));
  }
}
