// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

/** A controller at work on the cluster, wherever it runs. {@link #close} leaves its entries. */
interface Controller extends AutoCloseable {
  /** Has it carry out this from now on, and waits until every node is as this wants it. */
  void want(Intent intent);

  @Override
  void close();

  /** One in this JVM, started anew for each intent. */
  static Controller inThisJvm(Cluster cluster) {
    return new Controller() {
      private RunningController current = RunningController.settled(cluster, Intent.NOTHING);

      @Override
      public void want(Intent intent) {
        current.close();
        current = RunningController.settled(cluster, intent);
      }

      @Override
      public void close() {
        current.close();
      }
    };
  }
}
