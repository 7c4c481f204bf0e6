// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.inject.AbstractModule;
import com.google.inject.Scopes;
import io.flowmirror.controller.openflow.OpenFlowConnector;
import io.flowmirror.controller.ovsdb.OvsdbConnector;
import io.flowmirror.controller.ovsdb.OvsdbTimings;
import io.flowmirror.controller.reconcile.Sessions;

/** How the parts are put together: one set of event loops, shared by all sessions. */
public final class ControllerModule extends AbstractModule {
  /** Sessions are idle nearly always; two threads keep one busy node from delaying the others. */
  private static final int OPENFLOW_THREADS = 2;

  @Override
  protected void configure() {
    binder().requireExplicitBindings();
    binder().requireAtInjectOnConstructors();
    binder().requireExactBindingAnnotations();
    bind(OpenFlowConnector.class).toInstance(new OpenFlowConnector(OPENFLOW_THREADS));
    bind(OvsdbConnector.class).toInstance(new OvsdbConnector(OvsdbTimings.DEFAULT));
    bind(Sessions.class).to(NodeSessions.class).in(Scopes.SINGLETON);
    bind(NodeSessions.class).in(Scopes.SINGLETON);
  }
}
