using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Client;

/// <summary>What a chat application knows about an answer, beside its texts.</summary>
public sealed record ChatFacts
{
    /// <summary>What the user wanted, as the application's own classifier called it.</summary>
    public string? Intent { get; init; }

    /// <summary>How sure that classifier was, 0…1.</summary>
    public double? IntentConfidence { get; init; }

    /// <summary>The home, shop or project that the conversation is about.</summary>
    public string? HomeId { get; init; }

    /// <summary>The kind of user.</summary>
    public string? Persona { get; init; }

    /// <summary>Whether the answer used sources of context.</summary>
    public bool? ContextUsed { get; init; }

    /// <summary>How many actions were suggested beside the answer.</summary>
    public int? SuggestedActions { get; init; }

    /// <summary>How long the answer took.</summary>
    public TimeSpan? ExecutionTime { get; init; }

    /// <summary>Errors on the way to the answer.</summary>
    public int? Errors { get; init; }

    /// <summary>The message that holds the answer: feedback names it.</summary>
    public string? MessageId { get; init; }

    /// <summary>Who was served: an opaque id.</summary>
    public string? UserId { get; init; }

    public string? Model { get; init; }
}

/// <summary>
/// What a tracker saw, of the newest 10,000 interactions of this process. Rewards as they were given, 0…1; least and greatest are null when
/// there is none.
/// </summary>
public sealed record TrackerStatistics(bool Enabled, long TotalInteractions, double AvgReward, double? MinReward, double? MaxReward);

/// <summary>
/// Records the interactions of one agent, for applications that do not go through a chat client. Calls return at once and throw nothing for
/// what goes wrong with capture. Rewards are on the scale of feedback, 0 (bad) … 1 (good); the store keeps them as given, and as −1…1.
/// </summary>
/// <remarks>Any thread may call.</remarks>
public sealed class AgentTracker(LightningClient lightning, string agentName)
{
    private const int MostRemembered = 10_000;
    private readonly object _gate = new();
    private readonly Dictionary<string, double?> _rewards = [];
    private readonly Queue<string> _order = new();
    private long _total;

    public string AgentName { get; } = Ids.Check(agentName, nameof(agentName));

    /// <summary>Whether anything is recorded.</summary>
    public bool Enabled => lightning.Enabled;

    /// <summary>Records that a prompt got a response. Gives the id of the interaction; null when it is not recorded.</summary>
    /// <param name="reward">0…1, where it is known already.</param>
    public string? TrackInteraction(
        string prompt,
        string response,
        double? reward = null,
        IReadOnlyDictionary<string, string>? metadata = null
    )
    {
        var now = lightning.Time.GetUtcNow();
        return Track(
            new Episode
            {
                Id = Ids.New(now),
                AgentId = AgentName,
                UserInput = prompt,
                AssistantOutput = response,
                CreatedAt = now,
                RequestLatencyMs = 0,
                Metadata = metadata,
            },
            reward
        );
    }

    /// <summary>Records a message of a user and the answer to it. Gives the id of the interaction; null when it is not recorded.</summary>
    /// <param name="reward">0…1, where it is known already, for example the implicit one.</param>
    public string? TrackChatMessage(
        string userMessage,
        string aiResponse,
        string conversationId,
        ChatFacts? facts = null,
        double? reward = null
    )
    {
        var now = lightning.Time.GetUtcNow();
        facts ??= new ChatFacts();
        var metadata = new Dictionary<string, string>
        {
            ["interaction_type"] = "chat_message",
            ["response_length"] = Text(aiResponse.Length),
        };
        Add("intent_confidence", facts.IntentConfidence);
        AddText("home_id", facts.HomeId);
        AddText("context_used", facts.ContextUsed is { } used ? (used ? "true" : "false") : null);
        Add("suggested_actions", facts.SuggestedActions);
        Add("execution_time_ms", facts.ExecutionTime?.TotalMilliseconds);
        Add("errors", facts.Errors);
        return Track(
            new Episode
            {
                Id = Ids.New(now),
                AgentId = AgentName,
                UserInput = userMessage,
                AssistantOutput = aiResponse,
                CreatedAt = now,
                SessionId = conversationId,
                RequestLatencyMs = facts.ExecutionTime?.TotalMilliseconds ?? 0,
                Intent = facts.Intent,
                Persona = facts.Persona,
                MessageId = facts.MessageId,
                UserId = facts.UserId,
                ModelDeployment = facts.Model,
                Metadata = metadata,
            },
            reward
        );

        void Add(string name, IFormattable? value) => AddText(name, value is null ? null : Text(value));
        void AddText(string name, string? value)
        {
            if (value is not null)
            {
                metadata[name] = value;
            }
        }
    }

    /// <summary>
    /// Gives an interaction another reward; the earlier one stays as history. False when it is not sent, because capture is off or the
    /// value is not from 0 to 1.
    /// </summary>
    /// <param name="feedbackType">What the reward comes from, such as <c>thumbs_up</c>.</param>
    public bool UpdateReward(string interactionId, double reward, string? feedbackType = null)
    {
        if (reward is not (>= 0 and <= 1))
        {
            lightning.Drop();
            return false;
        }

        if (
            !lightning.Reward(
                new CapturedReward(interactionId, null, Rubric: feedbackType, Evaluator: "tracker", RawValue: reward, Scale: "0..1")
            )
        )
        {
            return false;
        }

        lock (_gate)
        {
            if (_rewards.ContainsKey(interactionId))
            {
                _rewards[interactionId] = reward;
            }
        }

        return true;
    }

    /// <summary>Counts and rewards of what this tracker recorded; those of all processes are at the server.</summary>
    public TrackerStatistics GetStatistics()
    {
        lock (_gate)
        {
            var rewards = _rewards.Values.OfType<double>().ToList();
            return rewards.Count == 0
                ? new TrackerStatistics(Enabled, _total, 0, null, null)
                : new TrackerStatistics(Enabled, _total, rewards.Average(), rewards.Min(), rewards.Max());
        }
    }

    private string? Track(Episode episode, double? reward)
    {
        if (!lightning.Track(episode))
        {
            return null;
        }

        lock (_gate)
        {
            _total++;
            _rewards[episode.Id] = null;
            _order.Enqueue(episode.Id);
            if (_order.Count > MostRemembered)
            {
                _rewards.Remove(_order.Dequeue());
            }
        }

        if (reward is { } given)
        {
            UpdateReward(episode.Id, given);
        }

        return episode.Id;
    }

    private static string Text(IFormattable value) => value.ToString(null, System.Globalization.CultureInfo.InvariantCulture);
}
