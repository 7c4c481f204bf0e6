// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;

/** Rows of the truth table: web talks to everybody, both ways and in every protocol. */
final class ReachCases {
  private static final String BY_ROUTER = "02:00:00:00:04:";

  private final Cluster cluster;
  private final Pod web;
  private final ImmutableList.Builder<TrafficCase> cases = ImmutableList.builder();

  private ReachCases(Cluster cluster) {
    this.cluster = cluster;
    this.web = cluster.pod("web");
  }

  static ImmutableList<TrafficCase> of(Cluster cluster) {
    ReachCases rows = new ReachCases(cluster);
    rows.neighbours();
    rows.pods();
    rows.gateway();
    for (Vip vip : Vip.values()) {
      rows.vip(vip);
    }
    return rows.cases.build();
  }

  private void neighbours() {
    Pod db = cluster.pod("db");
    Pod far = cluster.pod("far");
    cases.add(
        TrafficCase.of("ARP request, OVN answers")
            .run(web, "arping -q -c 1 -w 5 -I eth0 " + db.ip4())
            .sent(web, 1, "arp request who-has " + db.ip4())
            .received(web, 1, "arp reply " + db.ip4() + " is-at " + db.mac()));
    cases.add(
        TrafficCase.of("ARP announcements, both ways")
            .send(web, RawFrame.arpRequest(web.mac(), web.ip4(), web.ip4()))
            .send(db, RawFrame.arpRequest(db.mac(), db.ip4(), db.ip4()))
            .send(far, RawFrame.arpRequest(far.mac(), far.ip4(), far.ip4()))
            .sent(web, 1, "arp request who-has " + web.ip4())
            .received(web, 1, "arp request who-has " + db.ip4() + " tell " + db.ip4())
            .received(web, 1, "arp request who-has " + far.ip4() + " tell " + far.ip4()));
  }

  private void pods() {
    with("pod, same node", cluster.pod("db"), false);
    with("pod, other node", cluster.pod("far"), false);
    with("pod, routed, same node", cluster.pod("other"), true);
    with("pod, routed, other node", cluster.pod("far2"), true);
    with("its node's ovn0", cluster.ovn0(Cluster.NODE), true);
    with("other node's ovn0", cluster.ovn0(Cluster.OTHER_NODE), true);
  }

  /** Each protocol, begun by either side. Both know no neighbours at first. */
  private void with(String where, Pod peer, boolean routed) {
    cases.add(
        echoes(TrafficCase.of("ICMP: " + where), "icmp", web.ip4(), peer.ip4(), routed)
            .run(web, Script.forgetNeighbours(web) + Script.ping(peer.ip4()))
            .run(peer, Script.forgetNeighbours(peer) + Script.ping(web.ip4()))
            .sent(web, 1, "arp request"));
    cases.add(
        echoes(TrafficCase.of("ICMPv6, ND: " + where), "icmp6", web.ip6(), peer.ip6(), routed)
            .run(web, Script.forgetNeighbours(web) + Script.ping(peer.ip6()))
            .run(peer, Script.forgetNeighbours(peer) + Script.ping(web.ip6()))
            .sent(web, 1, "neighbour-solicitation")
            .received(web, 1, "neighbour-advertisement"));
    cases.add(
        both(
            TrafficCase.of("TCP: " + where)
                .run(web, Script.tcpEcho(Cluster.TCP_PORT, peer.ip4(), peer.ip6()))
                .run(peer, Script.tcpEcho(Cluster.TCP_PORT, web.ip4(), web.ip6())),
            " tcp ",
            20,
            peer,
            routed));
    cases.add(
        both(
            TrafficCase.of("UDP: " + where)
                .run(web, Script.udpEcho(Cluster.UDP_PORT, peer.ip4(), peer.ip6()))
                .run(peer, Script.udpEcho(Cluster.UDP_PORT, web.ip4(), web.ip6())),
            " udp ",
            2 * Script.ECHOES,
            peer,
            routed));
  }

  private TrafficCase both(TrafficCase row, String what, int atLeast, Pod peer, boolean routed) {
    TrafficCase ip4 = heard(row, what, atLeast, web.ip4(), peer.ip4(), routed);
    return heard(ip4, what, atLeast, web.ip6(), peer.ip6(), routed);
  }

  /** One side forgets its neighbours while the other asks, so not every request has its reply. */
  private TrafficCase echoes(
      TrafficCase row, String icmp, String own, String peer, boolean routed) {
    TrafficCase asked = heard(row, icmp + " echo-request", Script.ECHOES, own, peer, routed);
    return heard(asked, icmp + " echo-reply", 1, own, peer, routed);
  }

  /** A routed packet comes from the router, one hop older. */
  private TrafficCase heard(
      TrafficCase row, String what, int atLeast, String own, String peer, boolean routed) {
    String from = routed ? BY_ROUTER : ":";
    String ttl = routed ? "ttl=63" : "ttl=64";
    return row.sent(web, atLeast, own + " > " + peer + " ttl=64", what)
        .received(web, atLeast, from, peer + " > " + own + " " + ttl, what);
  }

  private void gateway() {
    String gateway4 = "10.16.0.1";
    String gateway6 = "fd00:10:16::1";
    cases.add(
        TrafficCase.of("ICMP: gateway, OVN answers")
            .run(web, Script.forgetNeighbours(web) + Script.ping(gateway4))
            .sent(web, Script.ECHOES, "icmp echo-request")
            .received(web, Script.ECHOES, gateway4 + " > " + web.ip4(), "icmp echo-reply"));
    cases.add(
        TrafficCase.of("ICMPv6, ND: gateway, OVN answers")
            .run(web, Script.forgetNeighbours(web) + Script.ping(gateway6))
            .sent(web, 1, "neighbour-solicitation")
            .received(web, Script.ECHOES, gateway6 + " > " + web.ip6(), "icmp6 echo-reply"));
    cases.add(
        TrafficCase.of("TCP, UDP: gateway, OVN refuses")
            .run(web, Script.tcpInVain(gateway4, 22))
            .run(web, Script.tcpInVain(gateway6, 22))
            .run(web, Script.udp(gateway4, Cluster.UDP_PORT))
            .run(web, Script.udp(gateway6, Cluster.UDP_PORT))
            .received(web, 1, gateway4 + " > ", "tcp", "[RA]")
            .received(web, 1, gateway6 + " > ", "tcp", "[RA]")
            .received(web, 1, gateway4 + " > ", "icmp unreachable")
            .received(web, 1, gateway6 + " > ", "icmp6 unreachable"));
  }

  /** What web gets comes from the VIP: OVN translates it back. */
  private void vip(Vip vip) {
    String where = vip == Vip.HAIRPIN ? "VIP, back to the pod itself" : "VIP of " + vip.backend();
    Pod backend = cluster.pod(vip.backend());
    cases.add(
        TrafficCase.of("TCP: " + where)
            .run(web, Script.tcpEcho(Vip.TCP_PORT, vip.ip4(), vip.ip6()))
            .sent(web, 10, web.ip4() + " > " + vip.ip4(), " tcp ")
            .sent(web, 10, web.ip6() + " > " + vip.ip6(), " tcp ")
            .received(web, 10, vip.ip4() + " > " + web.ip4(), " tcp ", "80>")
            .received(web, 10, vip.ip6() + " > " + web.ip6(), " tcp ", "80>"));
    TrafficCase udp =
        TrafficCase.of("UDP: " + where)
            .run(web, Script.udpEcho(Vip.UDP_PORT, vip.ip4(), vip.ip6()))
            .sent(web, Script.ECHOES, web.ip4() + " > " + vip.ip4(), " udp ")
            .received(web, Script.ECHOES, vip.ip4() + " > " + web.ip4(), " udp 53>")
            .received(web, Script.ECHOES, vip.ip6() + " > " + web.ip6(), " udp 53>");
    String asker = vip == Vip.HAIRPIN ? vip.ip4() : web.ip4();
    boolean watched = Watch.LOCAL_PODS.contains(backend.name());
    cases.add(
        watched
            ? udp.received(backend, Script.ECHOES, asker + " > " + backend.ip4(), ">7000")
            : udp);
  }
}
