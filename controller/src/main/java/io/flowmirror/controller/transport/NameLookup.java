// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import io.netty.resolver.AddressResolver;
import io.netty.resolver.AddressResolverGroup;
import io.netty.resolver.InetNameResolver;
import io.netty.resolver.InetSocketAddressResolver;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Promise;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Looks up names with the JVM's own resolver, which blocks: on a few threads of its own, so that a
 * name server that does not answer delays only nodes that are named. Addresses are not looked up.
 */
final class NameLookup extends InetNameResolver {
  private static final int THREADS = 4;
  private static final ThreadPoolExecutor LOOKUPS =
      new ThreadPoolExecutor(
          THREADS,
          THREADS,
          10,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(),
          new DefaultThreadFactory("name-lookup", true));

  static final AddressResolverGroup<InetSocketAddress> GROUP =
      new AddressResolverGroup<>() {
        @Override
        protected AddressResolver<InetSocketAddress> newResolver(EventExecutor executor) {
          return new InetSocketAddressResolver(executor, new NameLookup(executor));
        }
      };

  static {
    LOOKUPS.allowCoreThreadTimeOut(true);
  }

  private NameLookup(EventExecutor executor) {
    super(executor);
  }

  @Override
  protected void doResolve(String host, Promise<InetAddress> found) {
    InetAddress literal = NetUtil.createInetAddressFromIpAddressString(host);
    if (literal != null) {
      found.setSuccess(literal);
      return;
    }
    LOOKUPS.execute(
        () -> {
          try {
            found.trySuccess(InetAddress.getByName(host));
          } catch (UnknownHostException | RuntimeException e) {
            found.tryFailure(new UnknownHostException("there is no host " + host));
          }
        });
  }

  @Override
  protected void doResolveAll(String host, Promise<List<InetAddress>> found) {
    throw new UnsupportedOperationException("one address is enough to dial");
  }
}
