// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;

/** Rows of the truth table: floods, what is dropped or refused, and packets out of the ordinary. */
final class OddCases {
  private static final String ALL_HOSTS = "255.255.255.255";
  private static final String SUBNET = "10.16.255.255";
  private static final String MDNS4 = "224.0.0.251";
  private static final String MDNS6 = "ff02::fb%eth0";
  private static final String ALL_NODES6 = "ff02::1%eth0";
  private static final int NOBODYS_PORT = 9999;
  private static final String FOREIGN_MAC = "0a:58:00:00:00:99";

  private final Pod web;
  private final Pod db;
  private final Pod plain;
  private final Pod other;
  private final Pod far;
  private final ImmutableList.Builder<TrafficCase> cases = ImmutableList.builder();

  private OddCases(Cluster cluster) {
    web = cluster.pod("web");
    db = cluster.pod("db");
    plain = cluster.pod("plain");
    other = cluster.pod("other");
    far = cluster.pod("far");
  }

  static ImmutableList<TrafficCase> of(Cluster cluster) {
    OddCases rows = new OddCases(cluster);
    rows.floods();
    rows.unknown();
    rows.acls();
    rows.portSecurity();
    rows.large();
    rows.expired();
    return rows.cases.build();
  }

  private void floods() {
    String broadcasts =
        Script.udpBroadcast(ALL_HOSTS, NOBODYS_PORT)
            + "; "
            + Script.udpBroadcast(SUBNET, NOBODYS_PORT);
    cases.add(
        TrafficCase.of("broadcast from the pod")
            .run(web, broadcasts)
            .sent(web, 2, "> ff:ff:ff:ff:ff:ff", " udp ")
            .received(db, 2, web.ip4(), "> ff:ff:ff:ff:ff:ff", " udp "));
    cases.add(
        TrafficCase.of("broadcast to the pod")
            .run(db, broadcasts)
            .run(plain, broadcasts)
            .run(far, broadcasts)
            .received(web, 6, "> ff:ff:ff:ff:ff:ff", " udp ")
            .received(web, 2, far.mac() + " > ff:ff:ff:ff:ff:ff"));
    String multicasts =
        Script.udp(MDNS4, 5353)
            + "; "
            + Script.udp(MDNS6, 5353)
            + "; ping -q -c 1 -W 5 "
            + ALL_NODES6;
    cases.add(
        TrafficCase.of("multicast from the pod")
            .run(web, multicasts)
            .sent(web, 1, "> 01:00:5e:00:00:fb", MDNS4)
            .sent(web, 1, "> 33:33:00:00:00:fb", "ff02::fb")
            .received(plain, 1, "> 33:33:00:00:00:01", "icmp6 echo-request"));
    cases.add(
        TrafficCase.of("multicast to the pod")
            .run(db, multicasts)
            .run(plain, multicasts)
            .run(far, multicasts)
            .received(web, 3, "> 01:00:5e:00:00:fb", MDNS4)
            .received(web, 3, "> 33:33:00:00:00:fb", "ff02::fb")
            .received(web, 3, "> 33:33:00:00:00:01", "icmp6 echo-request"));
    cases.add(
        TrafficCase.of("multicast membership (IGMP)")
            .run(
                web,
                "timeout 0.1 socat -u UDP4-RECV:7100,ip-add-membership=239.1.1.1:eth0 - || true")
            .sent(web, 1, " igmp"));
    cases.add(
        TrafficCase.of("odd ethertype, both ways")
            .send(web, RawFrame.odd(web.mac(), RawFrame.BROADCAST))
            .send(web, RawFrame.odd(web.mac(), db.mac()))
            .send(plain, RawFrame.odd(plain.mac(), RawFrame.BROADCAST))
            .send(plain, RawFrame.odd(plain.mac(), web.mac()))
            .sent(web, 2, "ethertype 0x88b5")
            .received(web, 2, plain.mac() + " > ", "ethertype 0x88b5"));
    cases.add(
        TrafficCase.of("VLAN tag, which OVN drops")
            .send(web, RawFrame.tagged(web, db, 5))
            .send(db, RawFrame.tagged(db, web, 5))
            .sent(web, 1, "vlan 5")
            .sent(db, 1, "vlan 5")
            .neverReceived(web, "vlan 5"));
  }

  private void unknown() {
    cases.add(
        TrafficCase.of("ARP for nobody's address, both ways")
            .send(web, RawFrame.arpRequest(web.mac(), web.ip4(), "10.16.200.1"))
            .send(plain, RawFrame.arpRequest(plain.mac(), plain.ip4(), "10.16.200.2"))
            .send(far, RawFrame.arpRequest(far.mac(), far.ip4(), "10.16.200.3"))
            .sent(web, 1, "arp request who-has 10.16.200.1")
            .received(db, 1, "arp request who-has 10.16.200.1")
            .received(web, 1, "arp request who-has 10.16.200.2")
            .received(web, 1, "arp request who-has 10.16.200.3"));
    cases.add(
        TrafficCase.of("to nobody's MAC")
            .send(web, RawFrame.udp(web.mac(), FOREIGN_MAC, web.ip4(), "10.16.200.1", 7000))
            .sent(web, 1, "> " + FOREIGN_MAC)
            .neverReceived(db, FOREIGN_MAC));
    cases.add(
        TrafficCase.of("routed to nobody, OVN asks by ARP")
            .run(web, Script.pingInVain("10.17.200.200"))
            .sent(web, 1, web.ip4() + " > 10.17.200.200", "icmp echo-request")
            .received(other, 1, "arp request who-has 10.17.200.200"));
    cases.add(
        TrafficCase.of("routed to nowhere")
            .run(web, Script.pingInVain("198.51.100.1"))
            .run(web, Script.pingInVain("2001:db8::1"))
            .sent(web, 1, web.ip4() + " > 198.51.100.1", "icmp echo-request")
            .sent(web, 1, web.ip6() + " > 2001:db8::1", "icmp6 echo-request"));
  }

  private void acls() {
    cases.add(
        TrafficCase.of("ACL drops on delivery to the pod")
            .run(db, Script.udp(web.ip4(), Cluster.DROPPED_TO_WEB))
            .run(far, Script.udp(web.ip4(), Cluster.DROPPED_TO_WEB))
            .run(far, Script.udp(web.ip6(), Cluster.DROPPED_TO_WEB))
            .sent(db, 1, ">" + Cluster.DROPPED_TO_WEB)
            .neverReceived(web, ">" + Cluster.DROPPED_TO_WEB));
    cases.add(
        TrafficCase.of("ACL drops what the pod sent, on delivery")
            .run(web, Script.udp(db.ip4(), Cluster.DROPPED_TO_DB))
            .run(web, Script.udp(db.ip6(), Cluster.DROPPED_TO_DB))
            .sent(web, 1, db.ip4(), ">" + Cluster.DROPPED_TO_DB)
            .sent(web, 1, db.ip6(), ">" + Cluster.DROPPED_TO_DB)
            .neverReceived(db, ">" + Cluster.DROPPED_TO_DB));
    cases.add(
        TrafficCase.of("ACL drops what the pod sends")
            .run(web, Script.udp(db.ip4(), Cluster.DROPPED_FROM_WEB))
            .run(web, Script.udp(far.ip6(), Cluster.DROPPED_FROM_WEB))
            .sent(web, 1, db.ip4(), ">" + Cluster.DROPPED_FROM_WEB)
            .sent(web, 1, far.ip6(), ">" + Cluster.DROPPED_FROM_WEB)
            .neverReceived(db, ">" + Cluster.DROPPED_FROM_WEB));
    cases.add(
        TrafficCase.of("ACL rejects what the pod sends")
            .run(web, Script.udp(db.ip4(), Cluster.REJECTED_FROM_WEB))
            .run(web, Script.udp(db.ip6(), Cluster.REJECTED_FROM_WEB))
            .run(web, Script.tcpInVain(far.ip4(), Cluster.REJECTED_FROM_WEB))
            .run(web, Script.tcpInVain(far.ip6(), Cluster.REJECTED_FROM_WEB))
            .received(web, 1, "icmp unreachable")
            .received(web, 1, "icmp6 unreachable")
            .received(web, 1, far.ip4() + " > ", "tcp 7774>", "[RA]")
            .received(web, 1, far.ip6() + " > ", "tcp 7774>", "[RA]"));
    cases.add(
        TrafficCase.of("ACL rejects on delivery to the pod")
            .run(db, Script.udp(web.ip4(), Cluster.REJECTED_TO_WEB))
            .run(db, Script.tcpInVain(web.ip6(), Cluster.REJECTED_TO_WEB))
            .run(far, Script.tcpInVain(web.ip4(), Cluster.REJECTED_TO_WEB))
            .received(db, 1, "icmp unreachable")
            .received(db, 1, "tcp 7775>", "[RA]")
            .neverReceived(web, ">" + Cluster.REJECTED_TO_WEB));
  }

  private void portSecurity() {
    cases.add(
        TrafficCase.of("port security drops what the pod forges")
            .send(web, RawFrame.udp(FOREIGN_MAC, db.mac(), web.ip4(), db.ip4(), 7201))
            .send(web, RawFrame.udp(web.mac(), db.mac(), "10.16.99.99", db.ip4(), 7201))
            .send(web, RawFrame.arpRequest(web.mac(), "10.16.99.99", "10.16.200.9"))
            .sent(web, 1, FOREIGN_MAC + " > " + db.mac())
            .sent(web, 1, "10.16.99.99 > " + db.ip4())
            .sent(web, 1, "tell 10.16.99.99")
            .neverReceived(db, "7201>7201")
            .neverReceived(db, "tell 10.16.99.99"));
    cases.add(
        TrafficCase.of("port security drops on delivery")
            .send(db, RawFrame.udp(db.mac(), web.mac(), db.ip4(), "10.16.99.99", 7202))
            .send(far, RawFrame.udp(far.mac(), web.mac(), far.ip4(), "10.16.99.99", 7202))
            .sent(db, 1, "> 10.16.99.99")
            .neverReceived(web, "7202>7202"));
  }

  private void large() {
    String full4 = "-s 1372";
    String full6 = "-s 1352";
    cases.add(
        TrafficCase.of("frames of full size")
            .run(web, Script.ping(db.ip4(), "-M do", full4))
            .run(web, Script.ping(other.ip6(), "-M do", full6))
            .run(far, Script.ping(web.ip4(), "-M do", full4))
            .sent(web, Script.ECHOES, web.ip4() + " > " + db.ip4(), "1414 bytes")
            .sent(web, Script.ECHOES, web.ip6() + " > " + other.ip6(), "1414 bytes")
            .received(web, Script.ECHOES, far.ip4() + " > " + web.ip4(), "1414 bytes"));
    fragments("same node", db);
    fragments("other node", far);
    fragments("routed, same node", other);
    // OVS 3.1's userspace conntrack does not deliver these, with or without a mirror.
    cases.add(
        TrafficCase.of("fragments: VIPs")
            .run(web, Script.udpOf(3000, Vip.TO_DB.ip4(), Vip.UDP_PORT))
            .run(web, Script.udpOf(3000, Vip.TO_FAR.ip6(), Vip.UDP_PORT))
            .run(web, Script.udpOf(3000, Vip.HAIRPIN.ip4(), Vip.UDP_PORT))
            .sent(web, 3, web.ip4() + " > " + Vip.TO_DB.ip4(), "fragment")
            .sent(web, 3, web.ip6() + " > " + Vip.TO_FAR.ip6(), "fragment")
            .sent(web, 3, web.ip4() + " > " + Vip.HAIRPIN.ip4(), "fragment"));
  }

  private void fragments(String where, Pod peer) {
    cases.add(
        TrafficCase.of("fragments: " + where)
            .run(web, Script.ping(peer.ip4(), "-s 4000"))
            .run(web, Script.ping(peer.ip6(), "-s 4000"))
            .run(peer, Script.ping(web.ip4(), "-s 3000"))
            .sent(web, 9, web.ip4() + " > " + peer.ip4(), "fragment")
            .sent(web, 9, web.ip6() + " > " + peer.ip6(), "fragment")
            .received(web, 9, peer.ip4() + " > " + web.ip4(), "fragment")
            .received(web, 9, peer.ip6() + " > " + web.ip6(), "fragment"));
  }

  private void expired() {
    cases.add(
        TrafficCase.of("TTL expires at the router")
            .run(web, Script.pingInVain(other.ip4(), "-t 1"))
            .run(web, Script.pingInVain(other.ip6(), "-t 1"))
            .received(web, 1, "icmp time-exceeded")
            .received(web, 1, "icmp6 time-exceeded"));
    cases.add(
        TrafficCase.of("TTL expires at the router, from elsewhere")
            .run(other, Script.pingInVain(web.ip4(), "-t 1"))
            .run(other, Script.pingInVain(web.ip6(), "-t 1"))
            .sent(other, 1, other.ip4() + " > " + web.ip4() + " ttl=1")
            .received(other, 1, "icmp time-exceeded")
            .received(other, 1, "icmp6 time-exceeded")
            .neverReceived(web, other.ip4() + " > " + web.ip4()));
  }
}
