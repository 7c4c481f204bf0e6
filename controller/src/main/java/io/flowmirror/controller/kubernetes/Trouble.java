// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

/**
 * Why an interface of a pod is not mirrored as it was asked for. Whoever may read the pod's Events,
 * or a Mirror of its namespace, reads it: it names no other pod, and nothing of another's.
 *
 * @param words for a person
 * @param passing whether it is so of every pod that is being set up, for some seconds or minutes
 */
public record Trouble(String words, boolean passing) {
  /** What it is about: "no OpenFlow" is no other trouble because its reason is another one now. */
  public String subject() {
    return subject(words);
  }

  /** The same of a complaint. */
  public static String subject(String complaint) {
    int colon = complaint.indexOf(": ");
    return colon < 0 ? complaint : complaint.substring(0, colon);
  }
}
