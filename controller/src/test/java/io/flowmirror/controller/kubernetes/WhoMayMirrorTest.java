// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.kubernetes.AdmissionPolicy.Outcome;
import io.flowmirror.controller.kubernetes.AdmissionPolicy.Request;
import io.flowmirror.controller.kubernetes.AdmissionPolicy.Right;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The policy that is shipped, its own expressions run on what an API server would give them. */
final class WhoMayMirrorTest {
  private static final String MIRROR = "ovn.kubernetes.io/mirror";
  private static final String DIRECTION = MIRROR + "-direction";
  private static final String NAD = "net1.other.ovn.kubernetes.io/mirror";
  private static final Right NEEDED = new Right("", "pods", "team", "mirror");
  private static final Set<Right> NONE = ImmutableSet.of();

  private final AdmissionPolicy policy;

  WhoMayMirrorTest() throws IOException {
    policy = AdmissionPolicy.read(Path.of("../config/kubernetes/policy/who-may-mirror.yaml"));
  }

  // What is asked.

  private static Map<String, Object> attributes(String user, String... groups) {
    return ImmutableMap.of(
        "namespace",
        "team",
        "userInfo",
        ImmutableMap.of("username", user, "groups", ImmutableList.copyOf(groups)));
  }

  private static final Map<String, Object> JANE = attributes("jane", "system:authenticated");

  private Outcome create(String kind, Map<String, String> annotations, Set<Right> rights) {
    return policy.decide(
        new Request("CREATE", resource(kind), JANE, rights, object(kind, annotations), null));
  }

  private Outcome update(
      String kind, Map<String, String> before, Map<String, String> now, Set<Right> rights) {
    return policy.decide(
        new Request(
            "UPDATE", resource(kind), JANE, rights, object(kind, now), object(kind, before)));
  }

  private static String resource(String kind) {
    return switch (kind) {
      case "Pod", "ReplicationController" -> "/" + kind.toLowerCase(Locale.ROOT) + "s";
      case "Job", "CronJob" -> "batch/" + kind.toLowerCase(Locale.ROOT) + "s";
      default -> "apps/" + kind.toLowerCase(Locale.ROOT) + "s";
    };
  }

  /** Without annotations, as the API's JSON leaves out what is empty. */
  private static Map<String, Object> metadata(Map<String, String> annotations) {
    Map<String, Object> metadata = new HashMap<>();
    metadata.put("name", "web");
    if (!annotations.isEmpty()) {
      metadata.put("annotations", annotations);
    }
    return metadata;
  }

  private static Map<String, Object> object(String kind, Map<String, String> annotations) {
    Map<String, Object> template =
        Map.of("metadata", metadata(annotations), "spec", Map.of("containers", List.of()));
    return switch (kind) {
      case "Pod" ->
          Map.of("kind", kind, "metadata", metadata(annotations), "spec", template.get("spec"));
      case "CronJob" ->
          Map.of(
              "kind",
              kind,
              "metadata",
              metadata(Map.of()),
              "spec",
              Map.of("jobTemplate", Map.of("spec", Map.of("template", template))));
      default ->
          Map.of(
              "kind",
              kind,
              "metadata",
              metadata(Map.of()),
              "spec",
              Map.of("replicas", 1L, "template", template));
    };
  }

  private static void assertFree(Outcome outcome) {
    assertThat(outcome).isEqualTo(new Outcome(true, "", false, ImmutableList.of()));
  }

  private static void assertForbidden(Outcome outcome) {
    assertThat(outcome)
        .isEqualTo(
            new Outcome(
                false,
                "to mirror pods in namespace team you need the verb mirror on pods there",
                false,
                ImmutableList.of(NEEDED)));
  }

  static Stream<String> kinds() {
    return Stream.of(
        "Pod",
        "ReplicationController",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "Job",
        "CronJob");
  }

  // Whoever asks for a mirror needs the verb.

  @ParameterizedTest
  @MethodSource("kinds")
  void theVerbIsNeeded(String kind) {
    for (String key : List.of(MIRROR, NAD)) {
      Map<String, String> wanted = Map.of(key, "true", "other", "x");
      assertForbidden(create(kind, wanted, NONE));
      assertForbidden(update(kind, Map.of(), wanted, NONE));
      assertForbidden(update(kind, Map.of(key, "false"), wanted, NONE));
      assertThat(create(kind, wanted, Set.of(NEEDED)))
          .isEqualTo(new Outcome(true, "", false, ImmutableList.of(NEEDED)));
      assertThat(update(kind, Map.of(), wanted, Set.of(NEEDED)).admitted()).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void whatAsksForNothingIsFree(String kind) {
    assertFree(create(kind, Map.of(), NONE));
    assertFree(create(kind, Map.of(MIRROR, "false"), NONE));
    assertFree(create(kind, Map.of("other", "true"), NONE));
    assertFree(update(kind, Map.of(), Map.of(), NONE));
    assertFree(update(kind, Map.of("other", "x"), Map.of(), NONE));
    assertFree(update(kind, Map.of(), Map.of("other", "x"), NONE));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void whatIsThereMayStayAndMayBeRemoved(String kind) {
    for (String key : List.of(MIRROR, NAD)) {
      Map<String, String> on = Map.of(key, "true", key + "-direction", "to-pod");
      assertFree(update(kind, on, on, NONE));
      assertFree(
          update(kind, on, Map.of(key, "true", key + "-direction", "to-pod", "o", "x"), NONE));
      assertFree(update(kind, on, Map.of(), NONE));
      assertFree(update(kind, on, Map.of(key + "-direction", "to-pod"), NONE));
      assertFree(update(kind, on, Map.of(key, "false"), NONE));
    }
  }

  /** Another verb, another resource, another namespace: not this right. */
  @Test
  void noOtherRightWillDo() {
    Set<Right> others =
        Set.of(
            new Right("", "pods", "other", "mirror"),
            new Right("", "pods", "", "mirror"),
            new Right("", "pods", "team", "update"),
            new Right("apps", "pods", "team", "mirror"),
            new Right("", "deployments", "team", "mirror"));
    assertForbidden(create("Pod", Map.of(MIRROR, "true"), others));
  }

  // Directions.

  /** Whoever has not the verb may not have more copied than is, nor something else. */
  @ParameterizedTest
  @CsvSource(
      nullValues = "absent",
      value = {
        "from-pod, to-pod",
        "from-pod, both",
        "from-pod, sideways",
        "absent, both",
        "absent, from-pod",
        // With pod-direction both, which is the default, that is more than before.
        "from-pod, absent",
      })
  void anotherDirectionOfWhatIsMirroredNeedsTheVerb(@Nullable String before, @Nullable String now) {
    for (String key : List.of(MIRROR, NAD)) {
      assertForbidden(update("Pod", directed(key, before), directed(key, now), NONE));
      assertThat(
              update("Pod", directed(key, before), directed(key, now), Set.of(NEEDED)).admitted())
          .isTrue();
    }
  }

  private static Map<String, String> directed(String key, @Nullable String direction) {
    return direction == null
        ? Map.of(key, "true")
        : Map.of(key, "true", key + "-direction", direction);
  }

  /** A direction says nothing as long as its interface is not mirrored, nor another's does. */
  @Test
  void aDirectionAlone() {
    assertFree(create("Pod", Map.of(DIRECTION, "both"), NONE));
    assertFree(update("Pod", Map.of(DIRECTION, "to-pod"), Map.of(DIRECTION, "both"), NONE));
    assertFree(
        update(
            "Pod",
            Map.of(MIRROR, "true"),
            Map.of(MIRROR, "true", NAD + "-direction", "both"),
            NONE));
    assertForbidden(
        update("Pod", Map.of(DIRECTION, "both"), Map.of(DIRECTION, "both", MIRROR, "true"), NONE));
  }

  /** What is mirrored of one interface says nothing of another. */
  @Test
  void anotherInterface() {
    assertForbidden(
        update("Pod", Map.of(MIRROR, "true"), Map.of(MIRROR, "true", NAD, "true"), NONE));
  }

  // Who asks.

  @ParameterizedTest
  @ValueSource(strings = {"Pod", "ReplicaSet", "Job"})
  void kubernetesOwnControllersCarryOutWhatWasAdmitted(String kind) {
    for (Map<String, Object> who :
        List.of(
            attributes(
                "system:serviceaccount:kube-system:replicaset-controller",
                "system:serviceaccounts",
                "system:serviceaccounts:kube-system",
                "system:authenticated"),
            attributes("system:kube-controller-manager", "system:authenticated"))) {
      assertFree(
          policy.decide(
              new Request(
                  "CREATE",
                  resource(kind),
                  who,
                  NONE,
                  object(kind, Map.of(MIRROR, "true")),
                  null)));
    }
  }

  @Test
  void anotherAccountIsNoController() {
    assertForbidden(
        policy.decide(
            new Request(
                "CREATE",
                "/pods",
                attributes(
                    "system:serviceaccount:team:kube-system",
                    "system:serviceaccounts",
                    "system:serviceaccounts:team",
                    "system:authenticated"),
                NONE,
                object("Pod", Map.of(MIRROR, "true")),
                null)));
  }

  /** An API server leaves out of {@code userInfo} what is empty. */
  @Test
  void aCallerWithoutAnything() {
    Map<String, Object> nobody = Map.of("namespace", "team", "userInfo", Map.of());
    assertFree(
        policy.decide(new Request("CREATE", "/pods", nobody, NONE, object("Pod", Map.of()), null)));
    assertForbidden(
        policy.decide(
            new Request(
                "CREATE", "/pods", nobody, NONE, object("Pod", Map.of(MIRROR, "true")), null)));
  }

  // Objects that lack what others have.

  /** None of these may be forbidden for what it lacks. */
  @Test
  void objectsWithoutThisAndThat() {
    List<Map<String, Object>> odd =
        List.of(
            Map.of("kind", "Pod"),
            Map.of("kind", "Pod", "metadata", Map.of()),
            Map.of("kind", "Deployment"),
            Map.of("kind", "Deployment", "spec", Map.of()),
            Map.of("kind", "Deployment", "spec", Map.of("template", Map.of())),
            Map.of("kind", "Deployment", "spec", Map.of("template", Map.of("metadata", Map.of()))),
            Map.of("kind", "CronJob"),
            Map.of("kind", "CronJob", "spec", Map.of()),
            Map.of("kind", "CronJob", "spec", Map.of("jobTemplate", Map.of())),
            Map.of("kind", "CronJob", "spec", Map.of("jobTemplate", Map.of("spec", Map.of()))),
            Map.of(
                "kind",
                "CronJob",
                "spec",
                Map.of("jobTemplate", Map.of("spec", Map.of("template", Map.of())))));
    for (Map<String, Object> object : odd) {
      String kind = (String) object.get("kind");
      assertFree(policy.decide(new Request("CREATE", resource(kind), JANE, NONE, object, null)));
      assertFree(policy.decide(new Request("UPDATE", resource(kind), JANE, NONE, object, object)));
      // One of the two has it, and the other has not.
      Map<String, Object> whole = object(kind, Map.of(MIRROR, "true"));
      assertFree(policy.decide(new Request("UPDATE", resource(kind), JANE, NONE, object, whole)));
      assertForbidden(
          policy.decide(new Request("UPDATE", resource(kind), JANE, NONE, whole, object)));
    }
  }

  // What is looked at.

  /** A pod's status can bear annotations, and so can what binds it to a node. */
  @Test
  void waysAroundThePod() {
    Map<String, Object> web = object("Pod", Map.of());
    Map<String, Object> mirrored = object("Pod", Map.of(MIRROR, "true"));
    assertForbidden(
        policy.decide(new Request("UPDATE", "/pods/status", JANE, NONE, mirrored, web)));
    assertFree(policy.decide(new Request("UPDATE", "/pods/status", JANE, NONE, web, web)));
    for (String resource : List.of("/pods/binding", "/bindings")) {
      assertForbidden(
          policy.decide(
              new Request(
                  "CREATE",
                  resource,
                  JANE,
                  NONE,
                  Map.of("kind", "Binding", "metadata", metadata(Map.of(MIRROR, "true"))),
                  null)));
      assertFree(
          policy.decide(
              new Request(
                  "CREATE",
                  resource,
                  JANE,
                  NONE,
                  Map.of("kind", "Binding", "metadata", metadata(Map.of())),
                  null)));
    }
  }

  @Test
  void nothingElseIsLookedAt() {
    assertThat(policy.concerns("DELETE", "/pods")).isFalse();
    assertThat(policy.concerns("CONNECT", "/pods/exec")).isFalse();
    assertThat(policy.concerns("CREATE", "/services")).isFalse();
    assertThat(policy.concerns("UPDATE", "apps/deployments/status")).isFalse();
  }
}
