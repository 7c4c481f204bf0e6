// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ImmutableList;
import dev.cel.common.CelFunctionDecl;
import dev.cel.common.CelOverloadDecl;
import dev.cel.common.CelValidationException;
import dev.cel.common.types.CelType;
import dev.cel.common.types.OpaqueType;
import dev.cel.common.types.SimpleType;
import dev.cel.common.values.NullValue;
import dev.cel.compiler.CelCompiler;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.extensions.CelExtensions;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelFunctionBinding;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelRuntimeFactory;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.MatchCondition;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.NamedRuleWithOperations;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingAdmissionPolicy;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.Validation;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.Variable;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Runs a ValidatingAdmissionPolicy's own expressions, as an API server does: {@code object}, {@code
 * oldObject} (null where an object is made) and {@code request} are maps without the fields that
 * are empty; {@code variables} holds what was computed before; {@code authorizer} asks for one
 * right after the other. With {@code failurePolicy: Fail} an expression that fails forbids.
 *
 * <p>Source: kubernetes.io, Validating Admission Policy, and CEL in Kubernetes, "Kubernetes
 * authorizer library". Where an API server computes a variable when it is asked for, this computes
 * all: none may fail.
 */
final class AdmissionPolicy {
  private static final CelType AUTHORIZER = type("Authorizer");
  private static final CelType GROUP = type("GroupCheck");
  private static final CelType RESOURCE = type("ResourceCheck");
  private static final CelType DECISION = type("Decision");

  /**
   * What is asked of the API server's authorizer.
   *
   * @param namespace empty for all of them
   */
  record Right(String group, String resource, String namespace, String verb) {}

  /**
   * A request to the API.
   *
   * @param resource the group and the resource, as in {@code apps/deployments} or {@code /pods}
   * @param attributes what is to be {@code request}
   * @param rights what the caller may do
   * @param before what was there; null where it is made
   */
  record Request(
      String operation,
      String resource,
      Map<String, Object> attributes,
      Set<Right> rights,
      Map<String, Object> object,
      @Nullable Map<String, Object> before) {}

  /**
   * What becomes of it.
   *
   * @param message why it is forbidden; empty if it is not
   * @param failed whether an expression has failed
   * @param asked what the authorizer was asked
   */
  record Outcome(boolean admitted, String message, boolean failed, ImmutableList<Right> asked) {}

  /** The authorizer of a caller: it answers by a table, and remembers what it was asked. */
  private record Authorizer(Set<Right> rights, List<Right> asked) {
    boolean allows(Right right) {
      asked.add(right);
      return rights.contains(right);
    }
  }

  private record Check(Authorizer authorizer, Right right) {
    Check namespace(String namespace) {
      return new Check(
          authorizer, new Right(right.group(), right.resource(), namespace, right.verb()));
    }

    Decision verb(String verb) {
      return new Decision(
          authorizer.allows(new Right(right.group(), right.resource(), right.namespace(), verb)));
    }
  }

  private record GroupCheck(Authorizer authorizer, String group) {
    Check resource(String resource) {
      return new Check(authorizer, new Right(group, resource, "", ""));
    }
  }

  private record Decision(boolean allowed) {}

  private final ValidatingAdmissionPolicy policy;
  private final CelCompiler compiler;
  private final CelRuntime runtime;
  private final Map<String, CelRuntime.Program> programs = new HashMap<>();

  private AdmissionPolicy(ValidatingAdmissionPolicy policy) {
    this.policy = policy;
    this.compiler =
        CelCompilerFactory.standardCelCompilerBuilder()
            .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
            .addLibraries(CelExtensions.optional())
            .addVar("object", SimpleType.DYN)
            .addVar("oldObject", SimpleType.DYN)
            .addVar("request", SimpleType.DYN)
            .addVar("variables", SimpleType.DYN)
            .addVar("authorizer", AUTHORIZER)
            .addFunctionDeclarations(
                member("group", GROUP, AUTHORIZER, SimpleType.STRING),
                member("resource", RESOURCE, GROUP, SimpleType.STRING),
                member("namespace", RESOURCE, RESOURCE, SimpleType.STRING),
                member("check", DECISION, RESOURCE, SimpleType.STRING),
                member("allowed", SimpleType.BOOL, DECISION))
            .build();
    this.runtime =
        CelRuntimeFactory.plannerRuntimeBuilder()
            .addLibraries(CelExtensions.optional())
            .addFunctionBindings(
                CelFunctionBinding.from("group", Authorizer.class, String.class, GroupCheck::new),
                CelFunctionBinding.from(
                    "resource", GroupCheck.class, String.class, GroupCheck::resource),
                CelFunctionBinding.from("namespace", Check.class, String.class, Check::namespace),
                CelFunctionBinding.from("check", Check.class, String.class, Check::verb),
                CelFunctionBinding.from("allowed", Decision.class, Decision::allowed))
            .build();
    // What does not compile is refused when the policy is made.
    policy.getSpec().getMatchConditions().forEach(it -> program(it.getExpression()));
    policy.getSpec().getVariables().forEach(it -> program(it.getExpression()));
    for (Validation validation : policy.getSpec().getValidations()) {
      program(validation.getExpression());
      program(validation.getMessageExpression());
    }
  }

  private static CelType type(String name) {
    return OpaqueType.create("kubernetes.authorization." + name);
  }

  private static CelFunctionDecl member(String name, CelType result, CelType... of) {
    return CelFunctionDecl.newFunctionDeclaration(
        name, CelOverloadDecl.newMemberOverload(name, result, of));
  }

  /** Reads the first document of a file. */
  static AdmissionPolicy read(Path file) throws IOException {
    String first = Files.readString(file).split("\n---\n", 2)[0];
    return new AdmissionPolicy(Serialization.unmarshal(first, ValidatingAdmissionPolicy.class));
  }

  private CelRuntime.Program program(String expression) {
    return programs.computeIfAbsent(
        expression,
        text -> {
          try {
            return runtime.createProgram(compiler.compile(text).getAst());
          } catch (CelValidationException | CelEvaluationException e) {
            throw new IllegalArgumentException(text + ": " + e.getMessage(), e);
          }
        });
  }

  /** Whether a request with this operation and resource is looked at, at all. */
  boolean concerns(String operation, String resource) {
    List<NamedRuleWithOperations> rules = policy.getSpec().getMatchConstraints().getResourceRules();
    String[] parts = resource.split("/", 2);
    return rules.stream()
        .anyMatch(
            rule ->
                rule.getApiGroups().contains(parts[0])
                    && rule.getApiVersions().contains("v1")
                    && rule.getResources().contains(parts[1])
                    && rule.getOperations().contains(operation));
  }

  /** Decides. */
  Outcome decide(Request request) {
    List<Right> asked = new ArrayList<>();
    try {
      String message = forbids(request, asked);
      return new Outcome(message.isEmpty(), message, false, ImmutableList.copyOf(asked));
    } catch (CelEvaluationException e) {
      boolean closed = policy.getSpec().getFailurePolicy().equals("Fail");
      return new Outcome(!closed, e.getMessage(), true, ImmutableList.copyOf(asked));
    }
  }

  /** Why it is forbidden; empty if it is not. */
  private String forbids(Request request, List<Right> asked) throws CelEvaluationException {
    if (!concerns(request.operation(), request.resource())) {
      return "";
    }
    Map<String, Object> variables = new HashMap<>();
    Map<String, Object> all = new HashMap<>();
    all.put("object", request.object());
    all.put("oldObject", request.before() == null ? NullValue.NULL_VALUE : request.before());
    all.put("request", request.attributes());
    all.put("authorizer", new Authorizer(request.rights(), asked));
    for (MatchCondition condition : policy.getSpec().getMatchConditions()) {
      if (!program(condition.getExpression()).eval(all).equals(true)) {
        return "";
      }
    }
    all.put("variables", variables);
    for (Variable variable : policy.getSpec().getVariables()) {
      variables.put(variable.getName(), program(variable.getExpression()).eval(all));
    }
    for (Validation validation : policy.getSpec().getValidations()) {
      if (!program(validation.getExpression()).eval(all).equals(true)) {
        return program(validation.getMessageExpression()).eval(all).toString();
      }
    }
    return "";
  }
}
