// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One node of a swarm: the entries that a controller has written, each as {@code struct
 * ofp_flow_stats}, and how far the controller has got since the last disturbance. Any thread.
 */
final class SwarmNode {
  private static final int FLOW_MOD_MATCH = 48;
  private static final int ADD = 0;
  private static final int DELETE_STRICT = 4;

  final int index;
  private final Swarm swarm;
  private final Map<ByteBuffer, byte[]> entries = new HashMap<>();
  private @Nullable SwarmSwitch connection;
  private @Nullable SwarmDatabase database;
  private boolean ovnIsThere = true;
  private boolean hasRead;
  private boolean follows;

  SwarmNode(Swarm swarm, int index) {
    this.swarm = swarm;
    this.index = index;
  }

  synchronized void connected(SwarmSwitch fresh) {
    connection = fresh;
  }

  synchronized void connected(SwarmDatabase fresh) {
    database = fresh;
  }

  /**
   * Closes both connections. What is there stays.
   *
   * @param begun is run when what was known of them is void
   */
  void cut(Runnable begun) {
    SwarmSwitch ofSwitch;
    SwarmDatabase ofDatabase;
    synchronized (this) {
      hasRead = false;
      follows = false;
      ofSwitch = connection;
      ofDatabase = database;
      connection = null;
      database = null;
    }
    begun.run();
    if (ofSwitch != null) {
      ofSwitch.close();
    }
    if (ofDatabase != null) {
      ofDatabase.close();
    }
  }

  /** OVN deletes all, and puts its own back after a while; what cannot be told anybody is not. */
  void wipe() {
    SwarmSwitch live;
    synchronized (this) {
      live = connection;
    }
    if (live == null || !live.wipe()) {
      takeAll();
      ovnIsBack();
      swarm.wiped(this);
    }
  }

  /** Table T has been read whole on this connection. */
  void read(SwarmSwitch by) {
    synchronized (this) {
      hasRead |= by == connection;
    }
    tell();
  }

  /** The database's rows have been told on this connection. */
  void followed(SwarmDatabase by) {
    synchronized (this) {
      follows |= by == database;
    }
    tell();
  }

  private void tell() {
    boolean back;
    boolean inSync;
    synchronized (this) {
      back = hasRead && follows;
      inSync = entries.size() == swarm.shape().wanted();
    }
    if (back) {
      swarm.reconnected(this);
    }
    if (inSync) {
      swarm.inSync(this);
    }
  }

  /** Makes the changes of a bundle, each a whole FLOW_MOD; one moment for all. */
  void commit(List<byte[]> flowMods) {
    synchronized (this) {
      flowMods.forEach(this::change);
    }
    for (byte[] flowMod : flowMods) {
      int pod = SwarmShape.podOf(flowMod);
      if (pod >= 0) {
        swarm.changed(this, pod, flowMod[25] == ADD);
      }
    }
    tell();
  }

  private void change(byte[] flowMod) {
    ByteBuffer in = ByteBuffer.wrap(flowMod);
    int table = flowMod[24];
    int command = flowMod[25];
    int matchBytes = in.getShort(FLOW_MOD_MATCH + 2) & 0xffff;
    byte[] key = new byte[3 + matchBytes];
    key[0] = (byte) table;
    in.get(30, key, 1, 2).get(FLOW_MOD_MATCH, key, 3, matchBytes);
    switch (command) {
      case ADD -> {
        // Both have 48 bytes before the match (OpenFlow 1.3.5, sections 7.3.4.1 and 7.3.5.2).
        ByteBuffer stats = ByteBuffer.allocate(flowMod.length);
        stats.putShort((short) flowMod.length).put((byte) table).put((byte) 0);
        stats.putInt(swarm.second()).putInt(0).putShort(in.getShort(30)).putShort((short) 0);
        stats.putShort(in.getShort(28)).putShort(in.getShort(44)).putInt(0).putLong(in.getLong(8));
        stats.putLong(0).putLong(0).put(flowMod, FLOW_MOD_MATCH, flowMod.length - FLOW_MOD_MATCH);
        byte[] before = entries.put(ByteBuffer.wrap(key), stats.array());
        swarm.counts().added.increment();
        if (before != null) {
          swarm.counts().replaced.increment();
        }
      }
      case DELETE_STRICT -> {
        entries.remove(ByteBuffer.wrap(key));
        swarm.counts().deleted.increment();
      }
      default -> throw new IllegalArgumentException("command " + command);
    }
  }

  /** Everything of one table, or of all of them, in copies with their age. */
  List<byte[]> entries(int table, boolean onlyOurs) {
    List<byte[]> found = new ArrayList<>();
    synchronized (this) {
      if (ovnIsThere && !onlyOurs) {
        if (table == 0) {
          found.addAll(swarm.shape().ingress());
        } else if (table == SwarmShape.DELIVERY_TABLE) {
          found.addAll(swarm.shape().delivery());
        }
      }
      for (byte[] stats : entries.values()) {
        if (table == SwarmSwitch.ALL_TABLES || stats[2] == table) {
          found.add(aged(stats));
        }
      }
    }
    return found;
  }

  private byte[] aged(byte[] stats) {
    byte[] told = stats.clone();
    ByteBuffer at = ByteBuffer.wrap(told);
    at.putInt(4, swarm.second() - at.getInt(4));
    return told;
  }

  /** OVN's entry that delivers to this port. */
  List<byte[]> delivery(int ofport) {
    int pod = ofport - SwarmShape.FIRST_POD;
    synchronized (this) {
      return ovnIsThere && pod >= 0 && pod < swarm.shape().pods()
          ? List.of(swarm.shape().delivery().get(pod))
          : List.of();
    }
  }

  /** Removes all; returns what was there that a controller had written. */
  synchronized List<byte[]> takeAll() {
    List<byte[]> ours = List.copyOf(entries.values());
    entries.clear();
    ovnIsThere = false;
    return ours;
  }

  synchronized void ovnIsBack() {
    ovnIsThere = true;
  }
}
