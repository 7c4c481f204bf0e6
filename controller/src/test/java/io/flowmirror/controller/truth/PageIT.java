// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.io.Resources;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The page that the controller serves, in Chromium, over the real controller and nodes. What it
 * looked like is in {@code target/screenshots}.
 */
@ExtendWith(SharedCluster.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class PageIT {
  private static final Path SCREENSHOTS = Path.of("target", "screenshots");
  private static final String READER = "reader-0123456789abcdef";
  private static final String EDITOR = "editor-0123456789abcdef";
  private static final String POD = "demo/page";
  private static final String ROW = "row('" + POD + "')";

  /** What all tests need to find things on the page. */
  private static final String FINDERS =
      """
      window.row = (name) => [...document.querySelectorAll('tbody tr')]
          .find((row) => row.querySelector('td.name')?.innerText.startsWith(name));
      window.button = (text, within = document) => [...within.querySelectorAll('button')]
          .find((button) => button.innerText === text && button.checkVisibility());
      """;

  private static Cluster cluster;
  private static Serving controller;
  private static Browser browser;
  private static String url;

  @BeforeAll
  static void open(Cluster shared) throws IOException {
    cluster = shared;
    controller = Serving.started("page", yaml());
    browser = Browser.started();
    browser.send("Page.addScriptToEvaluateOnNewDocument", "source", FINDERS);
    cluster.sandbox().run("pod", "add", POD, "--node", Cluster.NODE);
    url = controller.uri("").toString();
    browser.resize(1400, 900);
    browser.prefer("light");
  }

  /** It asks for nothing of its own: what is mirrored is asked for by REST. */
  private static String yaml() throws IOException {
    Path tokens = Path.of("target", "flowmirror-runs", "page.tokens").toAbsolutePath();
    Files.createDirectories(tokens.getParent());
    Files.write(
        tokens, List.of("reader " + READER + " get *", "editor " + EDITOR + " get,update *"));
    return Intent.NOTHING.yaml(cluster)
        + "northbound:\n  listen: 127.0.0.1:0\n  tokens: "
        + tokens
        + "\n";
  }

  @AfterAll
  static void close() {
    try {
      if (browser != null) {
        browser.close();
      }
    } finally {
      cluster.sandbox().run("pod", "del", POD);
      controller.close();
      RunningController.clean(cluster);
    }
  }

  /** Shows a view as somebody does who has given a token in this tab. */
  private static void showAs(String token, String address) {
    browser.open(url + "/api");
    browser.await("the server", "location.pathname === '/api'");
    browser.value("sessionStorage.setItem('flowmirror-token', '" + token + "')");
    browser.open(url + address);
  }

  private static void keepInBothThemes(String name) {
    for (String theme : List.of("light", "dark")) {
      browser.prefer(theme);
      browser.keep(SCREENSHOTS.resolve(name + "-" + theme + ".png"));
    }
    browser.prefer("light");
  }

  @Test
  @Order(1)
  void asksForATokenAndSaysWhatItMayNot() {
    browser.open(url + "/");
    browser.await("the token's field", "document.activeElement.id === 'token-field'");
    keepInBothThemes("token");
    browser.type(READER);
    browser.press("Enter");
    browser.awaitText("#connection", "Live");
    browser.await("the pod", ROW);
    assertThat(browser.value("JSON.stringify(localStorage)").asText()).doesNotContain(READER);

    browser.value("button('Mirror…', " + ROW + ").click()");
    browser.value("button('Mirror', document.querySelector('dialog')).click()");
    browser.awaitText("#problems", "reader may not update mirrors in namespace demo");
    keepInBothThemes("refused");
    assertThat(browser.value(ROW + ".innerText").asText()).contains("Not mirrored");
    assertThat(browser.faults()).allMatch(fault -> fault.contains("status of 40"));
  }

  @Test
  @Order(2)
  void turnsAMirrorOnShowsItsCopiesARepairAndAnExplanationAndTurnsItOff() {
    showAs(EDITOR, "/");
    browser.awaitText("#connection", "Live");
    browser.await("the pod", ROW);

    // By keyboard alone.
    browser.value("document.querySelector('input[type=search]').focus()");
    browser.type(POD);
    browser.await("the others to be left out", "!row('demo/web')");
    tabUntil("Mirror " + POD + "…");
    browser.press("Enter");
    browser.await("the dialog", "document.querySelector('dialog[open]')");
    keepInBothThemes("dialog");
    tabUntil("Mirror");
    browser.press("Enter");
    browser.await("it to be mirrored", ROW + "?.innerText.includes('Mirrored')");
    browser.await("who asked", ROW + ".innerText.includes('REST (editor), 30 min left')");
    assertThat(cluster.brInt(Cluster.NODE).ourEntries()).isNotEmpty();

    try (Probe probe = Probe.start(cluster.pod("page"), cluster.pod("web"))) {
      probe.awaitAnswers(10);
      browser.await(
          "copies to be counted both ways",
          "[...("
              + ROW
              + "?.querySelectorAll('td.rate') ?? [])].filter("
              + "cell => /^[1-9].* pkt.s/.test(cell.innerText)"
              + " && /^[1-9].* in all$/m.test(cell.innerText)).length === 2");
      aRepairIsShown();
      keepInBothThemes("overview");
      theNodeIsShownAndAudited();
      explains();
    }
    turnOff();
    assertThat(browser.faults()).isEmpty();
  }

  private static void aRepairIsShown() {
    String repairs =
        "[...document.querySelectorAll('#events li')].filter(item =>"
            + " item.querySelector('.badge').innerText === 'Repair'"
            + " && item.innerText.includes('wiped')).length";
    int before = browser.value(repairs).asInt();
    cluster.sandbox().run("restart", Cluster.NODE, "ovn-controller", "--how", "exit");
    browser.await("the repair among the events", repairs + " > " + before);
    browser.await("the node's last repair", "row('n1').innerText.includes('wiped')");
    browser.await("it to be in sync", "row('n1').innerText.includes('In sync')");
  }

  /** The explanation goes by what was read last; this has it read now. */
  private static void theNodeIsShownAndAudited() {
    browser.value("row('n1').querySelector('a').click()");
    browser.awaitText("table[aria-label=Repairs]", "wiped");
    browser.value("button('Audit now').click()");
    browser.awaitText("main", "The tables have been read.");
    browser.awaitText(".facts", "4 installed, 4 wanted");
    keepInBothThemes("node");
    browser.value("document.querySelector('main a[href=\"#/\"]').click()");
    browser.await("the pod", ROW);
  }

  private static void explains() {
    browser.value(ROW + ".querySelector('a').click()");
    browser.awaitText("h1", POD);
    browser.awaitText(".verdict", "every link holds");
    browser.awaitText("table[aria-label='Our entries']", "copies what the pod sends");
    browser.value("button('Read OVN\\'s entries').click()");
    browser.awaitText("table[aria-label=\"OVN's entries\"]", "OVN's");
    int port = cluster.brInt(Cluster.NODE).ofport(cluster.pod("page").port());
    browser.awaitText("table[aria-label=\"OVN's entries\"]", "in_port=" + port);
    browser.await(
        "the curve", "document.querySelector('path.from').getAttribute('d').includes('L')");
    keepWholeInBothThemes("pod");

    // OVN does not know the port any more.
    String port0 = cluster.pod("page").port();
    BrInt brInt = cluster.brInt(Cluster.NODE);
    String id = brInt.vsctl("get", "Interface", port0, "external_ids:iface-id").strip();
    brInt.vsctl("remove", "Interface", port0, "external_ids", "iface-id");
    browser.awaitText(".verdict", "Broken: Logical port");
    browser.awaitText(".links .first", "What to do: is ovn-controller running?");
    keepWholeInBothThemes("broken");
    brInt.vsctl("set", "Interface", port0, "external_ids:iface-id=" + id);
    browser.await(
        "it to be mended", "!document.querySelector('.verdict').innerText.includes('Broken')");
  }

  private static void turnOff() {
    browser.value("button('Turn off').click()");
    browser.awaitText(".verdict", "nobody asks for " + POD);
    browser.value("document.querySelector('main a[href=\"#/\"]').click()");
    browser.await("it not to be mirrored", ROW + "?.innerText.includes('Not mirrored')");
  }

  private static void keepWholeInBothThemes(String name) {
    int height = browser.value("document.documentElement.scrollHeight").asInt();
    browser.resize(1400, height);
    keepInBothThemes(name);
    browser.resize(1400, 900);
  }

  /** The name that assistive technology gives what has the focus. */
  private static final String FOCUSED =
      "(e => e === document.body ? '' : e.ariaLabel || (e.labels?.[0] ?? e).innerText.trim())"
          + "(document.activeElement)";

  private static void tabUntil(String name) {
    List<String> passed = new ArrayList<>();
    while (passed.size() < 60) {
      browser.press("Tab");
      String focused = browser.value(FOCUSED).asText();
      if (focused.equals(name)) {
        return;
      }
      passed.add(focused);
    }
    throw new AssertionError("Tab does not lead to " + name + ", only to " + passed);
  }

  @Test
  @Order(3)
  void isUsableByKeyboardAlone() {
    showAs(EDITOR, "/");
    browser.await("the pod", ROW);
    List<String> passed = new ArrayList<>();
    String seen =
        "(e => { const style = getComputedStyle(e); const box = e.getBoundingClientRect();"
            + " return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2"
            + " && box.width > 0 && box.bottom > 0 && box.top < innerHeight; })"
            + "(document.activeElement)";
    do {
      browser.press("Tab");
      String focused = browser.value(FOCUSED).asText();
      if (!focused.isEmpty()) {
        assertThat(browser.value(seen).asBoolean()).as("%s is seen", focused).isTrue();
      }
      passed.add(focused);
    } while (!passed.getLast().isEmpty() && passed.size() < 100);
    // Through everything and out at the end: no trap.
    assertThat(passed.getLast()).isEmpty();
    assertThat(passed)
        .containsSubsequence(
            "Skip to the content",
            "Flowmirror",
            "Change the global mode…",
            "API",
            "Theme: auto",
            "Node",
            "n1",
            "Pods whose name or node has",
            "Namespace",
            "Mirrored or not",
            POD,
            "Mirror " + POD + "…",
            "Which events",
            "Pause");

    tabUntil("Skip to the content");
    browser.press("Enter");
    browser.await("the content to have the focus", "document.activeElement.id === 'main'");
    tabUntil("Mirror " + POD + "…");
    browser.press(" ");
    browser.await("the dialog", "document.querySelector('dialog[open]')");
    browser.press("Escape");
    browser.await("the dialog to be gone", "!document.querySelector('dialog')");
    assertThat(browser.value(FOCUSED).asText()).isEqualTo("Mirror " + POD + "…");

    tabUntil(POD);
    browser.press("Enter");
    browser.await("the pod's view", "document.activeElement.tagName === 'H1'");
    assertThat(browser.value("document.title").asText()).startsWith(POD);
    assertThat(browser.faults()).isEmpty();
  }

  @Test
  @Order(4)
  void isReadableInBothThemesAndFitsEveryWidth() throws IOException {
    String contrasts =
        Resources.toString(
            Resources.getResource(PageIT.class, "contrasts.js"), StandardCharsets.UTF_8);
    for (String address : List.of("/#/", "/#/nodes/n1", "/#/pods/demo/page", "/api")) {
      String name = address.replaceAll("[^a-z0-9]+", " ").strip().replace(' ', '-');
      showAs(EDITOR, address);
      browser.await(
          "the view", "document.querySelector('main h1') && !document.querySelector('.loading')");
      if (address.equals("/#/")) {
        browser.await("the pod", ROW);
      }
      for (int width : List.of(320, 700, 900, 1400, 3840)) {
        browser.resize(width, width == 3840 ? 2160 : 900);
        browser.await(
            name + " not to be wider than " + width,
            "[document.documentElement, ...document.querySelectorAll('.panel, aside')]"
                + ".every(each => each.scrollWidth <= each.clientWidth + 1)");
        String view = (name.isEmpty() ? "overview" : name) + "-" + width;
        if (width == 320 || width == 1400) {
          keepInBothThemes(view);
        } else if (width == 3840) {
          browser.keep(SCREENSHOTS.resolve(view + ".png"));
        }
      }
      browser.resize(1400, 900);
      for (String theme : List.of("light", "dark")) {
        browser.prefer(theme);
        JsonNode found = browser.value(contrasts);
        assertThat(found.path("looked").asInt()).isGreaterThan(30);
        assertThat(found.path("faint")).as("%s, %s", name, theme).isEmpty();
      }
    }
    theSwitchIsAboveTheSystem();
    assertThat(browser.faults()).isEmpty();
  }

  private static void theSwitchIsAboveTheSystem() {
    String ground = "getComputedStyle(document.body).backgroundColor";
    browser.prefer("dark");
    String dark = browser.value(ground).asText();
    browser.prefer("light");
    assertThat(browser.value(ground).asText()).isNotEqualTo(dark);
    browser.value("button('Theme: auto').click()");
    browser.value("button('Theme: light').click()");
    browser.awaitText("#theme", "Theme: dark");
    assertThat(browser.value(ground).asText()).isEqualTo(dark);
    browser.value("button('Theme: dark').click()");
  }

  /** The lists' answers are made up here; that the page is what is looked at is the point. */
  @Test
  @Order(5)
  void showsFiveThousandPodsAPageAtATimeAndTheirNamesAsText() throws IOException {
    String crowd =
        Resources.toString(Resources.getResource(PageIT.class, "crowd.js"), StandardCharsets.UTF_8);
    String id =
        browser
            .send("Page.addScriptToEvaluateOnNewDocument", "source", crowd)
            .path("identifier")
            .asText();
    try {
      showAs(EDITOR, "/");
      browser.awaitText(".filter .hint", "5,000 interfaces");
      String rows = "document.querySelectorAll('table[aria-label=Pods] tbody tr').length";
      assertThat(browser.value(rows).asInt()).isEqualTo(50);
      browser.awaitText("section[aria-labelledby=pods-title] .count", "1–50 of 5,000");
      assertThat(browser.value("document.querySelectorAll('main img, main script').length").asInt())
          .isZero();
      browser.awaitText("table[aria-label=Pods]", "<img src=x onerror=alert(1)>");

      browser.value(
          "button('Next', document.querySelector('[aria-labelledby=pods-title]')).click()");
      browser.awaitText("section[aria-labelledby=pods-title] .count", "51–100 of 5,000");
      browser.value("document.querySelector('input[type=search]').focus()");
      browser.type("pod-4321");
      browser.awaitText(".filter .hint", "1 of 5,000 interfaces");
      browser.await("it alone", rows + " === 1");
      keepInBothThemes("crowd");
      int longest = browser.value("Math.round(window.longest)").asInt();
      System.out.println("5,000 pods: the page was busy for at most " + longest + " ms at once");
      assertThat(longest).isLessThan(5_000);
      assertThat(browser.faults()).isEmpty();
    } finally {
      browser.send("Page.removeScriptToEvaluateOnNewDocument", "identifier", id);
    }
  }

  @Test
  @Order(6)
  void saysThatTheControllerDoesNotAnswer() {
    showAs(EDITOR, "/");
    browser.await("the pod", ROW);
    controller.close();
    browser.awaitText("#connection", "The controller does not answer. Shown is what it said at");
    keepInBothThemes("away");
    assertThat(browser.value("Boolean(" + ROW + ")").asBoolean()).isTrue();
  }
}
