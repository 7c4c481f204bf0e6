// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.common.collect.Sets;
import io.flowmirror.flows.Cookie;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.Opaque;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * FlowDecoder against all that a real Open vSwitch can say of entries: of every kind of them, and
 * of 100,000, each held against the bytes on the wire and against what ovs-ofctl says of it.
 */
@Timeout(300)
class EveryEntryIT {
  private static final int COUNT = 100_000;
  private static final int OURS = 1_000;

  private static final String SMALL_HEAP = "40m";

  /** Below the lowest table that an entry of the list goes to. */
  private static final int TABLES = 50;

  private static final List<String> FLAGS =
      List.of(
          "",
          ",send_flow_rem",
          ",idle_timeout=900,send_flow_rem,reset_counts",
          ",no_packet_counts,no_byte_counts");

  /** What the switch has and the list says that it does not take: see there. */
  private static final Pattern NOT_TAKEN =
      Pattern.compile("dp_hash|recirc_id|tun_metadata(3[4-9]|[456].)");

  /** Fields that have words for what is masked, or one bit only. */
  private static final Set<String> MASKED_IN_WORDS =
      Set.of("ct_state", "tun_flags", "ip_frag", "tun_erspan_dir");

  /** What FlowEntry does not have. */
  private static final Pattern UNKNOWN_FLAG =
      Pattern.compile("idle_timeout|reset_counts|no_(packet|byte)_counts");

  private static final EntryList LIST = EntryList.read();
  private static RealSwitch ovs;

  @TempDir Path folder;

  @BeforeAll
  static void start() {
    ovs = RealSwitch.start();
    ovs.ofctl("add-tlv-map", ovs.bridge(), String.join(",", LIST.tlvMaps()));
    LIST.groups().forEach(group -> ovs.ofctl("add-group", ovs.bridge(), group));
    LIST.meters().forEach(meter -> ovs.ofctl("add-meter", ovs.bridge(), meter));
  }

  @AfterAll
  static void stop() {
    if (ovs != null) {
      ovs.close();
    }
  }

  @BeforeEach
  void clean() {
    ovs.ofctl("del-flows", ovs.bridge());
  }

  @Test
  void decodesEachKind() throws IOException {
    int total = LIST.entries().size() + LIST.openFlow15Entries().size();
    add("OpenFlow13", LIST.entries(), 0, LIST.entries().size());
    add("OpenFlow15", LIST.openFlow15Entries(), LIST.entries().size(), total);
    assertThat(compareAll()).isEqualTo(total);
    try (SwitchClient client = SwitchClient.connect(ovs.socket())) {
      Corpus.write(Corpus.EVERY_ENTRY, client.flows());
    }
  }

  @Test
  void decodesAHundredThousand() throws IOException {
    int openFlow15 = COUNT - OURS - 2_000;
    add("OpenFlow13", LIST.entries(), 0, openFlow15);
    add("OpenFlow15", LIST.openFlow15Entries(), openFlow15, COUNT - OURS);
    try (SwitchClient client = SwitchClient.connect(ovs.socket())) {
      client.flowMods(ours());
    }
    assertThat(compareAll()).isEqualTo(COUNT);
    dumpsAll();
  }

  /** By one dump of a session's, in small batches. */
  private static void dumpsAll() {
    try (OpenFlowConnector connector = new OpenFlowConnector(1);
        OpenFlowSession session =
            connector.open(OpenFlowOptions.of("node", ovs.endpoint()), report -> {})) {
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> session.state() == OpenFlowSession.State.LIVE);
      int[] largest = new int[1];
      long start = System.nanoTime();
      long count =
          session
              .dump(EntryFilter.ALL, batch -> largest[0] = Math.max(largest[0], batch.size()))
              .orTimeout(60, TimeUnit.SECONDS)
              .join();
      System.out.printf(
          "a dump of %d entries took %d ms%n", count, (System.nanoTime() - start) / 1_000_000);
      assertThat(count).isEqualTo(COUNT);
      // 64 KiB of entries of 56 bytes at least.
      assertThat(largest[0]).isBetween(1, 1_200);
    }
  }

  /** The list has what the manual pages have, and what the switch itself says that it has. */
  @Test
  void listIsComplete() {
    List<String> all = new ArrayList<>(LIST.entries());
    all.addAll(LIST.openFlow15Entries());
    String text = String.join("\n", all);
    Set<String> missing = new TreeSet<>();
    need(missing, text, LIST.actionNames(), "(actions=|[,(])%s\\b");
    String features = ovs.ofctl("dump-table-features", ovs.bridge());
    need(missing, text, taken(features, "exact match or wildcard"), "(?m)(^|,)%s=");
    need(missing, text, taken(features, "arbitrary mask"), "(?m)(^|,)%s=");
    need(
        missing,
        text,
        Sets.difference(taken(features, "arbitrary mask"), MASKED_IN_WORDS),
        "(?m)(^|,)%s=[^,\n]*/");
    need(
        missing,
        text,
        taken(features, "supported on Set-Field"),
        "(set_field:[^>]*|load:0x3)->%s\\b");
    LIST.refused().forEach(refused -> all.add(refused.entry()));
    need(missing, String.join("\n", all), LIST.fieldNames(), "(?m)(^|,)%s=");
    assertThat(missing).isEmpty();
  }

  private static void need(Set<String> missing, String text, Set<String> names, String pattern) {
    for (String name : names) {
      String wanted = String.format(pattern, name);
      if (!Pattern.compile(wanted).matcher(text).find()) {
        missing.add(wanted);
      }
    }
  }

  private static Set<String> taken(String features, String heading) {
    return Sets.filter(
        Features.named(features, heading), field -> !NOT_TAKEN.matcher(field).matches());
  }

  @Test
  void refusesWhatTheListSays() {
    for (EntryList.Refused refused : LIST.refused()) {
      assertThatThrownBy(() -> ovs.addFlow(refused.entry()), refused.entry())
          .hasMessageContaining(refused.words());
    }
    assertThat(ovs.flows()).isEmpty();
  }

  /**
   * A table 0 of 100,000 entries of OVN's, as no OVN has it, read by a process whose heap would not
   * hold them all: decoded they take 57 MB.
   */
  @Test
  void readsAHundredThousandWithASmallHeap() throws Exception {
    List<String> groups =
        IntStream.range(2, 20).mapToObj("group_id=%d,type=all"::formatted).toList();
    Path file = Files.write(folder.resolve("groups"), groups);
    ovs.ofctl("add-groups", ovs.bridge(), file.toString());
    ovs.ofctl("add-meter", ovs.bridge(), "meter=2,kbps,band=type=drop,rate=1000");
    try (SwitchClient client = SwitchClient.connect(ovs.socket())) {
      client.flowMods(ovns(COUNT));
    }
    assertThat(ovs.ofctl("dump-aggregate", ovs.bridge())).contains("flow_count=" + COUNT);
    Path config =
        Files.writeString(
            folder.resolve("flowmirror.yaml"),
            "nodes:\n  - name: n1\n    ovsdb: unix:%s\n    openflow: unix:%s\n"
                .formatted(ovs.database(), ovs.socket()));
    String report =
        RealSwitch.command(
            "env",
            "FLOWMIRROR_JAVA_OPTS=-XX:+ExitOnOutOfMemoryError -Xmx" + SMALL_HEAP,
            Corpus.checkout().resolve("bin/flowmirror").toString(),
            "flows",
            "--config",
            config.toString(),
            "--timeout",
            "60");
    assertThat(report).contains("# node n1: dpid ", "OVN delivers in table 65");
  }

  /**
   * OVN's entries again and again, each time for other datapaths. Those of tables 0 and 65 are
   * where they were; all others are in table 0, too.
   */
  private static List<byte[]> ovns(int count) {
    List<WireEntry> entries = new ArrayList<>();
    Corpus.messages(Corpus.OVN.get(0)).forEach(m -> entries.addAll(WireEntry.split(m)));
    List<byte[]> messages = new ArrayList<>();
    for (int copy = 0; messages.size() < count; copy++) {
      for (int i = 0; i < entries.size() && messages.size() < count; i++) {
        WireEntry entry = entries.get(i);
        boolean there = entry.table() == 0 || entry.table() == 65;
        List<Opaque> oxms = forOtherDatapath(entry.oxms(), copy);
        if (copy == 0 || (!there && !oxms.equals(entry.oxms()))) {
          int priority = there ? entry.priority() : 1_100 + i;
          messages.add(entry.flowMod(there ? entry.table() : 0, priority, oxms));
        }
      }
    }
    return messages;
  }

  private static List<Opaque> forOtherDatapath(List<Opaque> oxms, int copy) {
    return oxms.stream()
        .map(oxm -> oxm.toString().startsWith("80000408") ? plus(oxm, copy) : oxm)
        .toList();
  }

  private static Opaque plus(Opaque metadata, int copy) {
    ByteBuffer bytes = ByteBuffer.wrap(metadata.bytes());
    return Opaque.of(bytes.putLong(4, bytes.getLong(4) + ((long) copy << 8)).array());
  }

  /** Adds the entries from one number to another, each with a cookie and a key of its own. */
  private void add(String version, List<String> list, int from, int to) throws IOException {
    List<String> lines = new ArrayList<>();
    for (int n = from; n < to; n++) {
      String entry = list.get(n % list.size());
      lines.add(
          String.format(
              "cookie=0x%x,table=%d,priority=%d%s%s%s",
              n * 0x9e3779b97f4a7c15L,
              n % TABLES,
              1 + n / TABLES,
              n % 3 == 0 ? ",hard_timeout=" + (600 + n % 60_000) : "",
              FLAGS.get(n % FLAGS.size()),
              (entry.startsWith("actions=") ? " " : ",") + entry));
    }
    Path file = Files.write(folder.resolve(version), lines, UTF_8);
    RealSwitch.command(
        "ovs-ofctl",
        "-O",
        version,
        "--timeout=60",
        "--bundle",
        "add-flows",
        ovs.bridge(),
        file.toString());
  }

  /** Entries of ours, as FlowEncoder writes them. */
  private static List<byte[]> ours() {
    List<byte[]> messages = new ArrayList<>();
    for (int i = 1; messages.size() < OURS; i++) {
      for (FlowEntry entry :
          List.of(
              Entries.e0(i), Entries.e1(i, 9), Entries.e2(65, i, 7, 9), Entries.e3(65, i, i, 7))) {
        FlowEntry own =
            new FlowEntry(
                entry.key(),
                entry.actions(),
                Cookie.of(Cookie.role(entry.cookie()).orElseThrow(), "pod" + i),
                entry.hardTimeout(),
                entry.sendFlowRemoved());
        ByteBuf message = Unpooled.buffer();
        FlowEncoder.flowMod(Entries.add(own), 0, message);
        messages.add(ByteBufUtil.getBytes(message));
      }
    }
    return messages;
  }

  /**
   * Reads all entries as a session does, and compares each with the wire and with ovs-ofctl.
   *
   * @return how many there are
   */
  private static int compareAll() {
    Map<Long, FlowEntry> decoded = new HashMap<>();
    try (SwitchClient client = SwitchClient.connect(ovs.socket());
        InboundPipeline pipeline = new InboundPipeline()) {
      client.flows(
          message -> {
            List<WireEntry> wire = WireEntry.split(message);
            List<InstalledEntry> entries = pipeline.flows(message);
            assertThat(entries).hasSameSizeAs(wire);
            for (int i = 0; i < wire.size(); i++) {
              wire.get(i).assertSameAs(entries.get(i));
              FlowEntry entry = entries.get(i).entry();
              assertThat(decoded.put(entry.cookie(), entry)).isNull();
            }
          });
    }
    Set<Long> dumped = new HashSet<>();
    ovs.ofctl("--no-stats", "--no-names", "dump-flows", ovs.bridge())
        .lines()
        .filter(line -> line.contains("actions="))
        .forEach(
            text -> {
              DumpedEntry line = DumpedEntry.parse(text);
              FlowEntry entry = decoded.get(line.cookie());
              line.assertSameAs(entry);
              if (!UNKNOWN_FLAG.matcher(text).find()) {
                assertThat(FlowText.dump(entry))
                    .satisfiesAnyOf(
                        ours -> assertThat(ours).isEqualTo(text.strip()),
                        ours -> assertThat(ours).startsWith("# "));
              }
              dumped.add(line.cookie());
            });
    assertThat(dumped).isEqualTo(decoded.keySet());
    return dumped.size();
  }
}
