// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class ClaimsTest {
  private final Claims claims = new Claims();

  @Test
  void theFirstKeepsItAndTheNewcomerIsToldWhoHasIt() {
    assertThat(claims.otherHolder("n1", 7)).isEmpty();
    assertThat(claims.otherHolder("n2", 7)).contains("n1");
    assertThat(claims.otherHolder("n1", 7)).isEmpty();
    assertThat(claims.otherHolder("n2", 8)).isEmpty();
  }

  @Test
  void itIsFreeWhenItsHolderIsAnotherDatapathOrGone() {
    claims.otherHolder("n1", 7);
    claims.otherHolder("n1", 9);
    assertThat(claims.otherHolder("n2", 7)).isEmpty();
    claims.release("n2");
    assertThat(claims.otherHolder("n3", 7)).isEmpty();
    assertThat(claims.otherHolder("n3", 9)).contains("n1");
    // Who is told that a datapath is another's holds nothing.
    assertThat(claims.otherHolder("n4", 7)).isEmpty();
  }
}
