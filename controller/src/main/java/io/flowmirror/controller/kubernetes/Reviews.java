// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.base.Strings;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.fabric8.kubernetes.api.model.authentication.TokenReview;
import io.fabric8.kubernetes.api.model.authentication.TokenReviewBuilder;
import io.fabric8.kubernetes.api.model.authentication.UserInfo;
import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReview;
import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReviewBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Asks the API who shows a token (TokenReview, authentication.k8s.io/v1) and what that one may do
 * with mirrors (SubjectAccessReview, authorization.k8s.io/v1). From whatever thread; each call is
 * one request, which takes as long as the client allows.
 */
public final class Reviews {
  private static final String GROUP = "flowmirror.io";
  private static final String RESOURCE = "mirrors";

  private final KubernetesClient client;

  /** Asks by this client, which needs {@code create} on both reviews. */
  public Reviews(KubernetesClient client) {
    this.client = client;
  }

  /**
   * A user of the API's.
   *
   * @param extra what the API says of it besides
   */
  public record User(
      String name,
      String uid,
      ImmutableList<String> groups,
      ImmutableMap<String, ImmutableList<String>> extra) {}

  /** The API does not answer, or not to this controller. */
  public static final class AwayException extends Exception {
    private static final long serialVersionUID = 1;

    AwayException(KubernetesClientException cause) {
      super("the Kubernetes API does not answer: " + Reasons.of(cause), cause);
    }
  }

  /** Whose a token is; empty if it is nobody's. */
  public Optional<User> user(String token) throws AwayException {
    try {
      TokenReview review =
          client
              .tokenReviews()
              .create(new TokenReviewBuilder().withNewSpec().withToken(token).endSpec().build());
      if (review.getStatus() == null
          || !Boolean.TRUE.equals(review.getStatus().getAuthenticated())
          || review.getStatus().getUser() == null) {
        return Optional.empty();
      }
      return Optional.of(user(review.getStatus().getUser()));
    } catch (KubernetesClientException e) {
      throw new AwayException(e);
    }
  }

  private static User user(UserInfo found) {
    ImmutableMap.Builder<String, ImmutableList<String>> extra = ImmutableMap.builder();
    if (found.getExtra() != null) {
      found.getExtra().forEach((key, values) -> extra.put(key, ImmutableList.copyOf(values)));
    }
    @Nullable List<String> groups = found.getGroups();
    return new User(
        Strings.nullToEmpty(found.getUsername()),
        Strings.nullToEmpty(found.getUid()),
        groups == null ? ImmutableList.of() : ImmutableList.copyOf(groups),
        extra.buildOrThrow());
  }

  /**
   * Whether a user may.
   *
   * @param namespace where; empty for all namespaces
   */
  public boolean may(User user, String verb, String namespace) throws AwayException {
    try {
      SubjectAccessReview review =
          client
              .authorization()
              .v1()
              .subjectAccessReview()
              .create(
                  new SubjectAccessReviewBuilder()
                      .withNewSpec()
                      .withUser(user.name())
                      .withUid(user.uid())
                      .withGroups(user.groups())
                      .withExtra(ImmutableMap.copyOf(user.extra()))
                      .withNewResourceAttributes()
                      .withGroup(GROUP)
                      .withResource(RESOURCE)
                      .withVerb(verb)
                      .withNamespace(namespace)
                      .endResourceAttributes()
                      .endSpec()
                      .build());
      return review.getStatus() != null && Boolean.TRUE.equals(review.getStatus().getAllowed());
    } catch (KubernetesClientException e) {
      throw new AwayException(e);
    }
  }
}
