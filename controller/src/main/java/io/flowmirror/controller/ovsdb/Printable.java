// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import java.util.HexFormat;

/**
 * Makes text of the peer's fit for logs and terminals: a database takes any name with line ends,
 * escape sequences or characters that turn the reading order round, and so must we.
 */
final class Printable {
  private static final HexFormat HEX = HexFormat.of();
  private static final String ELLIPSIS = "…";

  private Printable() {}

  /** The text, with each character that is not seen but does something written as its escape. */
  static String text(String raw) {
    for (int i = 0; i < raw.length(); i++) {
      char next = raw.charAt(i);
      if (next < ' ' || next > '~') {
        return escaped(raw);
      }
    }
    return raw;
  }

  /** The same, cut to at most so many characters. */
  static String cut(String raw, int most) {
    String text = text(raw.length() <= most ? raw : raw.substring(0, most));
    if (text.length() <= most && raw.length() <= most) {
      return text;
    }
    int end = Math.min(most - ELLIPSIS.length(), text.length());
    // Not between the two halves of a character.
    return text.substring(0, Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end)
        + ELLIPSIS;
  }

  private static String escaped(String raw) {
    StringBuilder text = new StringBuilder(raw.length() + 16);
    raw.codePoints()
        .forEach(
            next -> {
              if (isSeen(next)) {
                text.appendCodePoint(next);
              } else {
                for (char unit : Character.toChars(next)) {
                  text.append("\\u").append(HEX.toHexDigits(unit));
                }
              }
            });
    return text.toString();
  }

  private static boolean isSeen(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
