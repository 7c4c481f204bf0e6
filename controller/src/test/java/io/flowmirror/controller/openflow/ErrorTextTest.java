// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.flowmirror.controller.openflow.Incoming.SwitchError;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorTextTest {
  @ParameterizedTest
  @CsvSource({
    "4, 9, 0, OFPET_BAD_MATCH/OFPBMC_BAD_PREREQ",
    "5, 2, 0, OFPET_FLOW_MOD_FAILED/OFPFMFC_BAD_TABLE_ID",
    "2, 4, 0, OFPET_BAD_ACTION/OFPBAC_BAD_OUT_PORT",
    "1, 13, 0, OFPET_BAD_REQUEST/OFPBRC_MULTIPART_BUFFER_OVERFLOW",
    "4, 77, 0, OFPET_BAD_MATCH/OFPBMC_77",
    "6, 3, 0, OFPET_GROUP_MOD_FAILED/OFPGMFC_3",
    "99, 3, 0, error type 99 code 3",
    "65535, 2313, 0x4f4e4600, OFPET_EXPERIMENTER/OFPBFC_MSG_FAILED",
    "65535, 43, 0x2320, OFPET_EXPERIMENTER/NXBMC_CT_DATAPATH_SUPPORT",
    "65535, 7, 0x1234, OFPET_EXPERIMENTER/0x00001234/7",
  })
  void usesTheSpecificationsNames(int type, int code, String experimenter, String words) {
    assertThat(ErrorText.of(new SwitchError(1, type, code, Integer.decode(experimenter))))
        .isEqualTo(words);
  }
}
