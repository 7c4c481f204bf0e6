// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import io.netty.channel.Channel;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/** An event loop that takes no channel, as Netty says it when a process has no descriptors left. */
public final class BarrenLoop {
  private BarrenLoop() {}

  /** Does all that another does, but for taking channels. */
  public static EventLoop over(EventLoop loop) {
    return (EventLoop)
        Proxy.newProxyInstance(
            BarrenLoop.class.getClassLoader(),
            new Class<?>[] {EventLoop.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("register") && arguments[0] instanceof Channel channel) {
                return new DefaultChannelPromise(channel, GlobalEventExecutor.INSTANCE)
                    .setFailure(new IOException("Too many open files"));
              }
              try {
                return method.invoke(loop, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
