// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Obstacle;
import io.flowmirror.controller.truth.Capture.Side;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * n1 by TLS, with certificates as ovs-pki(8) makes them; n2 by its unix sockets. Who has no good
 * certificate is not let in, at either end, and that is said; both ends take new ones as they run.
 */
@ExtendWith(SharedCluster.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class TlsIT {
  private static final String NODE = Cluster.NODE;

  private final Cluster cluster;
  private final Path files = Files.createTempDirectory("fmtls");
  private final ListeningNode n1;
  private final Passage ovsdb;
  private final Passage openflow;

  TlsIT(Cluster cluster) throws IOException {
    this.cluster = cluster;
    // "old" and "new" are signed by authorities that know nothing of each other.
    certify("old", NODE);
    certify("new", NODE);
    certify("stranger", "n9", "old");
    certify("expired", NODE, "old");
    shell(
        "openssl x509 -req -in expired/node-req.pem -CA old/pki/switchca/cacert.pem"
            + " -CAkey old/pki/switchca/private/cakey.pem -CAcreateserial -days -1"
            + " -out expired/node-cert.pem");
    nodeHas("old");
    controllerHas("old");
    n1 =
        ListeningNode.attachedByTls(
            cluster,
            NODE,
            at("node/node-privkey.pem"),
            at("node/node-cert.pem"),
            at("node/ca.pem"));
    String netns = cluster.path("central.netns");
    String address = "TCP:" + cluster.path(NODE + ".mgmt_ip4") + ":";
    ovsdb = new Passage(netns, address + ListeningNode.OVSDB_PORT);
    openflow = new Passage(netns, address + ListeningNode.OPENFLOW_PORT);
  }

  private void shell(String script) {
    Program.run("sh", "-ec", "cd \"$0\"\n" + script, files.toString());
  }

  private String at(String file) {
    return files.resolve(file).toString();
  }

  /** Makes authorities, and a key and a certificate for the node and the controller each. */
  private void certify(String folder, String node) {
    shell("mkdir " + folder + "; cd " + folder + "; ovs-pki --dir=pki --log=log init");
    certify(folder, node, folder);
  }

  /** The same by authorities that are there; the files are called after the role. */
  private void certify(String folder, String node, String by) {
    shell(
        "mkdir -p FOLDER; cd FOLDER; pki=../BY/pki\n".replace("FOLDER", folder).replace("BY", by)
            + "for each in node:NODE:switch controller:flowmirror:controller; do\n"
                .replace("NODE", node)
            + "  role=${each%%:*}; class=${each##*:}; name=${each#*:}; name=${name%:*}\n"
            + "  ovs-pki --dir=$pki --log=log req+sign $name $class\n"
            + "  for part in privkey cert req; do mv $name-$part.pem $role-$part.pem; done\n"
            + "done\n"
            + "cp $pki/controllerca/cacert.pem ca.pem\n"
            + "cp $pki/switchca/cacert.pem controller-ca.pem");
  }

  /**
   * All files of the node at once, by a link, as Kubernetes exchanges a Secret's: Open vSwitch
   * takes a new key only together with a new certificate.
   */
  private void nodeHas(String folder) {
    shell("ln -sfn " + folder + " next; mv -T next node");
  }

  /** The controller's files, one after the other. */
  private void controllerHas(String folder) throws IOException {
    for (String file : new String[] {"privkey", "cert", "ca"}) {
      Files.copy(
          files.resolve(folder).resolve("controller-" + file + ".pem"),
          files.resolve(file + ".pem"),
          StandardCopyOption.REPLACE_EXISTING);
    }
  }

  @AfterAll
  void takeBack() {
    try (n1;
        ovsdb;
        openflow) {
      RunningController.clean(cluster);
    } finally {
      Program.run("rm", "-r", files.toString());
    }
  }

  private Settings settings(String privateKey, String certificate, String caCertificate) {
    String tls =
        "tls: {private-key: %s, certificate: %s, ca-certificate: %s}\n"
            .formatted(at(privateKey), at(certificate), at(caCertificate));
    NodeAddress byTls =
        new NodeAddress(NODE, "ssl:127.0.0.1:" + ovsdb.port(), "ssl:127.0.0.1:" + openflow.port());
    String yaml =
        Intent.ON_BOTH_NODES.yaml(
            ImmutableList.of(byTls, NodeAddress.unix(cluster, Cluster.OTHER_NODE)));
    assertThat(yaml).contains("insecure: false");
    return SettingsReader.parse("tls", tls + yaml, Overrides.none());
  }

  private RunningController started() {
    return RunningController.started(settings("privkey.pem", "cert.pem", "ca.pem"));
  }

  /**
   * Waits until the node's status says so of both connections. One that began before the node had
   * read its new certificate is as good as ever, until it is cut.
   */
  private void assertRefused(RunningController controller, String why) {
    controller.await(
        "both connections to be refused: " + why,
        NODE,
        status -> {
          if (status.node().datapath().isPresent()) {
            openflow.cut();
          }
          if (status.node().bridgeConfirmed()) {
            ovsdb.cut();
          }
          return status.waiting().stream()
                  .map(Obstacle::words)
                  .filter(line -> line.contains("TLS: ") && line.contains(why))
                  .count()
              == 2;
        });
  }

  private static void assertSettled(RunningController controller) {
    controller.await("n1 to be right again", NODE, NodeStatus::settled);
  }

  @Test
  void mirrors() {
    try (RunningController controller = started()) {
      controller.awaitSettled();
      Pod web = cluster.pod("web");
      try (Capture copies =
          Capture.start(cluster.path(NODE + ".netns"), "mirror0", Side.IN, "icmp")) {
        web.start(Script.ping(cluster.pod("far").ip4())).success(Duration.ofSeconds(30));
        Wait.until(
            "copies of what web sent and received",
            () -> copies.count() >= 2 * Script.ECHOES,
            () -> copies.count() + " copies");
      }
      n1.assertUndisturbed();
    }
  }

  @Test
  void anAuthorityThatIsNotOurs() {
    try (RunningController controller =
        RunningController.started(settings("privkey.pem", "cert.pem", "new/controller-ca.pem"))) {
      assertRefused(controller, "which is not in " + at("new/controller-ca.pem"));
    }
  }

  /** A node's own certificate is none to control another by: ovs-pki has two authorities. */
  @Test
  void oneThatTheNodeDoesNotKnow() {
    try (RunningController controller =
        RunningController.started(
            settings("stranger/node-privkey.pem", "stranger/node-cert.pem", "ca.pem"))) {
      assertRefused(controller, "the node ");
      assertThat(controller.status(NODE).node().datapath()).isEmpty();
    }
  }

  @Test
  void anotherNodesName() {
    refusedUntilItHasTheOldOne("stranger", "certificate is for \"n9\", not \"n1\"");
  }

  @Test
  void expired() {
    refusedUntilItHasTheOldOne("expired", "certificate expired on ");
  }

  private void refusedUntilItHasTheOldOne(String folder, String why) {
    nodeHas(folder);
    try (RunningController controller = started()) {
      assertRefused(controller, why);
      nodeHas("old");
      assertSettled(controller);
    } finally {
      nodeHas("old");
    }
  }

  @Test
  void bothTakeNewOnesAsTheyRun() throws IOException {
    try (RunningController controller = started()) {
      controller.awaitSettled();
      long connection = controller.status(NODE).node().datapath().orElseThrow().connection();
      nodeHas("new");
      controllerHas("new");
      ovsdb.cut();
      openflow.cut();
      controller.await(
          "another connection, and n1 to be right",
          NODE,
          status ->
              status.settled()
                  && status.node().datapath().isPresent()
                  && status.node().datapath().get().connection() != connection);
    } finally {
      nodeHas("old");
      controllerHas("old");
    }
  }
}
