using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AgentLightning.Client.Chat;
using AgentLightning.Client.Telemetry;
using AgentLightning.Common;

namespace AgentLightning.Client;

/// <summary>
/// Emit calls: each is a span of the source <c>AgentLightning</c>, below the current one, with the names of the Agent Lightning protocol.
/// Whoever listens to the source gets them: every enabled <see cref="LightningClient"/> of the process, and OpenTelemetry where the
/// application adds the source. Without a listener they do nothing. A reward that is emitted while an episode is captured, in a tool for
/// example, becomes a reward of that episode.
/// </summary>
/// <remarks>Any thread may call. Nothing is thrown. Calls give false when nobody took what was emitted, or it cannot be right.</remarks>
public static class LightningEmitter
{
    /// <summary>Name of the source of the spans.</summary>
    public const string SourceName = "AgentLightning";

    internal const string EpisodeIdKey = "agentlightning.episode_id";
    private static readonly ActivitySource s_source = new(SourceName, "0.1.0");

    /// <summary>Emits a reward.</summary>
    /// <param name="reward">−1…1.</param>
    /// <param name="attributes">More attributes of the span.</param>
    public static bool EmitReward(double reward, IEnumerable<KeyValuePair<string, object?>>? attributes = null) =>
        EmitRewards([new("primary", reward)], attributes);

    /// <summary>Emits a reward of several dimensions.</summary>
    /// <param name="primaryKey">The one that counts; it must be among <paramref name="rewards"/>.</param>
    public static bool EmitReward(
        IReadOnlyDictionary<string, double> rewards,
        string primaryKey,
        IEnumerable<KeyValuePair<string, object?>>? attributes = null
    ) =>
        rewards.TryGetValue(primaryKey, out var primary)
        && EmitRewards([new(primaryKey, primary), .. rewards.Where(reward => reward.Key != primaryKey)], attributes);

    /// <summary>Emits values of any shape about the current work; nested ones get names with dots.</summary>
    public static bool EmitAnnotation(IEnumerable<KeyValuePair<string, object?>> annotation) =>
        Emit("agentlightning.annotation", ActivityStatusCode.Ok, span =>
        {
            foreach (var (name, value) in annotation)
            {
                Add(span, Flattening.Of(name, value));
            }
        });

    /// <summary>Emits a text.</summary>
    public static bool EmitMessage(string message, IEnumerable<KeyValuePair<string, object?>>? attributes = null) =>
        Emit("agentlightning.message", ActivityStatusCode.Unset, span =>
            Add(span, attributes).SetTag("agentlightning.message.body", message)
        );

    /// <summary>Emits a value: plain ones as a literal, bytes in Base64, others as JSON.</summary>
    public static bool EmitObject(object value, IEnumerable<KeyValuePair<string, object?>>? attributes = null) =>
        Emit("agentlightning.object", ActivityStatusCode.Ok, span =>
        {
            var (type, literal) = value switch
            {
                string text => ("str", text),
                bool flag => ("bool", flag ? "True" : "False"),
                sbyte or byte or short or ushort or int or uint or long or ulong => (
                    "int",
                    Convert.ToString(value, CultureInfo.InvariantCulture)!
                ),
                float or double or decimal => ("float", Convert.ToString(value, CultureInfo.InvariantCulture)!),
                byte[] bytes => ("bytes", Convert.ToBase64String(bytes)),
                _ => (value.GetType().FullName ?? value.GetType().Name, null),
            };
            Add(span, attributes).SetTag("agentlightning.object.type", type);
            span.SetTag(
                literal is null ? "agentlightning.object.json" : "agentlightning.object.literal",
                literal ?? JsonSerializer.Serialize(value, ChatJson.Options)
            );
        });

    /// <summary>Emits an error.</summary>
    public static bool EmitException(Exception exception, IEnumerable<KeyValuePair<string, object?>>? attributes = null) =>
        Emit("agentlightning.exception", ActivityStatusCode.Ok, span => Describe(Add(span, attributes), exception));

    /// <summary>Begins an operation, which ends when what is given back is disposed. What happens in between lies below it.</summary>
    public static LightningOperation Operation(string name, IEnumerable<KeyValuePair<string, object?>>? attributes = null)
    {
        var span = s_source.StartActivity("agentlightning.operation");
        if (span is not null)
        {
            Add(span, attributes).SetTag("agentlightning.operation.name", name);
        }

        return new LightningOperation(span);
    }

    /// <summary>Attributes by which <c>Emit…</c> calls point at other spans, also at ones that do not exist yet.</summary>
    /// <param name="links">Names and values of attributes of the spans meant; <c>trace_id</c> and <c>span_id</c> stand for the ids.</param>
    public static IReadOnlyDictionary<string, object?> LinkAttributes(IEnumerable<KeyValuePair<string, string>> links)
    {
        var attributes = new Dictionary<string, object?>();
        foreach (var (name, value) in links)
        {
            var at = (attributes.Count / 2).ToString(CultureInfo.InvariantCulture);
            attributes[$"agentlightning.link.{at}.key_match"] = name;
            attributes[$"agentlightning.link.{at}.value_match"] = value;
        }

        return attributes;
    }

    /// <summary>Attributes that tag a span.</summary>
    public static IReadOnlyDictionary<string, object?> TagAttributes(IEnumerable<string> tags) =>
        tags.Select((tag, i) => (Tag: tag, At: i))
            .ToDictionary(tag => string.Create(CultureInfo.InvariantCulture, $"agentlightning.tag.{tag.At}"), tag => (object?)tag.Tag);

    internal static void Describe(Activity span, Exception exception) =>
        span.SetTag("exception.type", exception.GetType().FullName)
            .SetTag("exception.message", exception.Message)
            .SetTag("exception.stacktrace", exception.ToString())
            .SetTag("exception.escaped", true);

    internal static void Add(Activity span, Dictionary<string, object?> attributes)
    {
        foreach (var (name, value) in attributes)
        {
            span.SetTag(name, value);
        }
    }

    private static bool EmitRewards(
        IReadOnlyList<KeyValuePair<string, double>> rewards,
        IEnumerable<KeyValuePair<string, object?>>? attributes
    )
    {
        if (rewards.Any(reward => !double.IsFinite(reward.Value)) || rewards[0].Value is < -1 or > 1)
        {
            return false;
        }

        var scope = EpisodeScope.Current;
        var isEmitted = Emit("agentlightning.annotation", ActivityStatusCode.Ok, span =>
        {
            Add(span, attributes).SetTag(EpisodeIdKey, scope?.EpisodeId);
            for (var i = 0; i < rewards.Count; i++)
            {
                var at = i.ToString(CultureInfo.InvariantCulture);
                span.SetTag($"agentlightning.reward.{at}.name", rewards[i].Key)
                    .SetTag($"agentlightning.reward.{at}.value", rewards[i].Value);
            }
        });
        if (scope is null)
        {
            return isEmitted;
        }

        // Emitting twice in one episode is giving another reward, and the last one counts.
        var reward = new CapturedReward(
            scope.EpisodeId,
            rewards[0].Value,
            "eval_score",
            Evaluator: $"emit:{rewards[0].Key}",
            RewardId: Ids.New(TimeProvider.System.GetUtcNow())
        );
        return scope.TryAdd(reward) || scope.Client.Reward(reward);
    }

    private static bool Emit(string name, ActivityStatusCode status, Action<Activity> describe)
    {
        try
        {
            using var span = s_source.StartActivity(name);
            if (span is null)
            {
                return false;
            }

            describe(span);
            span.SetStatus(status);
            return true;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            // A value without a JSON form: the application goes on without this span's contents.
            return false;
        }
    }

    private static Activity Add(Activity span, IEnumerable<KeyValuePair<string, object?>>? attributes)
    {
        foreach (var (name, value) in attributes ?? [])
        {
            span.SetTag(name, value);
        }

        return span;
    }
}
