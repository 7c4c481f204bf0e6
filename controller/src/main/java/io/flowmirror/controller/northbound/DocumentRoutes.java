// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.io.Resources;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;

/** Files that are part of the program: the API's description. */
final class DocumentRoutes {
  private static final String OPENAPI = "/v1/openapi.yaml";

  void register(Routes routes) {
    routes.addOpen("GET", OPENAPI, exchange -> file(exchange, "openapi.yaml", "application/yaml"));
  }

  private static void file(Exchange exchange, String name, String mediaType) {
    exchange.allowQuery();
    try (OutputStream out = exchange.stream(mediaType)) {
      out.write(Resources.toByteArray(Resources.getResource(DocumentRoutes.class, name)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
