using AgentLightning.Models.Environments.Tools;
using AgentLightning.Models.Generation;

namespace AgentLightning.Models.Environments;

/// <summary>
/// One attempt at a task: the very tokens that were read and drawn, and the probabilities they were drawn with. What is learned from are
/// these, never a text of them.
/// </summary>
public sealed class Attempt
{
    private readonly List<int> _tokens,
        _drawn = [],
        _turnEnds = [];
    private readonly List<float> _logProbabilities = [];
    private readonly List<double> _rewards = [];
    private readonly List<string> _texts = [];
    private readonly Dictionary<string, double> _parts = new(StringComparer.Ordinal);

    /// <param name="group">Index of the task among those of the update.</param>
    public Attempt(RolloutTask task, int group, int number)
    {
        (Task, Group, Number) = (task, group, number);
        _tokens = [.. task.Prompt];
    }

    /// <summary>What it is an attempt at.</summary>
    public RolloutTask Task { get; }

    /// <summary>Attempts with the same number are judged against each other.</summary>
    public int Group { get; }

    /// <summary>Its number among the attempts at the task, from 0.</summary>
    public int Number { get; }

    /// <summary>Prompt, drawn tokens and observations, in order.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>Indexes of the tokens that the model drew.</summary>
    public IReadOnlyList<int> Drawn => _drawn;

    /// <summary>ln p of each drawn token when it was drawn.</summary>
    public IReadOnlyList<float> LogProbabilities => _logProbabilities;

    /// <summary>Turns of the model so far.</summary>
    public int Turns => _turnEnds.Count;

    /// <summary>What the model said in its last turn, without special tokens and stop strings; empty without a tokenizer.</summary>
    public string Text => _texts.Count == 0 ? "" : _texts[^1];

    /// <summary>What the model said in each turn.</summary>
    public IReadOnlyList<string> Texts => _texts;

    /// <summary>The tokens of its last turn.</summary>
    public IEnumerable<int> LastTurn => _drawn.Skip(_turnEnds.Count > 1 ? _turnEnds[^2] : 0).Select(index => _tokens[index]);

    /// <summary>The reward of each turn.</summary>
    public IReadOnlyList<double> Rewards => _rewards;

    /// <summary>Sums of what the rewards are made of.</summary>
    public IReadOnlyDictionary<string, double> Parts => _parts;

    /// <summary>What came of the tools that it called so far; null where there are none to call.</summary>
    public ToolUse? Tools { get; private set; }

    /// <summary>Whether the last turn was cut off by the most tokens that it could have.</summary>
    public bool IsTruncated { get; private set; }

    /// <summary>Whether it is over.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Why it cannot be learned from; null when it can.</summary>
    public string? Failure { get; private set; }

    /// <summary>Number of drawn tokens up to the end of each turn.</summary>
    internal IReadOnlyList<int> TurnEnds => _turnEnds;

    /// <summary>Σ discountᵏ · reward of turn k; not a number for an attempt that failed.</summary>
    public double Return(double discount)
    {
        double sum = 0,
            factor = 1;
        foreach (var reward in _rewards)
        {
            sum += factor * reward;
            factor *= discount;
        }

        return Failure is null ? sum : double.NaN;
    }

    /// <summary>Takes what the model drew in a turn.</summary>
    public void AddTurn(IReadOnlyList<int> ids, IReadOnlyList<float> logProbabilities, string text, FinishReason reason)
    {
        for (var i = 0; i < ids.Count; i++)
        {
            _drawn.Add(_tokens.Count);
            _tokens.Add(ids[i]);
            _logProbabilities.Add(logProbabilities[i]);
        }

        _texts.Add(text);
        _turnEnds.Add(_drawn.Count);
        IsTruncated = reason == FinishReason.Length;
    }

    /// <summary>Takes what came of the turn.</summary>
    public void Take(Turn turn)
    {
        _rewards.Add(turn.Reward);
        Tools = turn.Tools is { } tools ? new ToolUse((Tools?.Calls ?? 0) + tools.Calls, (Tools?.Failures ?? 0) + tools.Failures) : Tools;
        foreach (var (name, value) in turn.Parts ?? new Dictionary<string, double>())
        {
            _parts[name] = _parts.GetValueOrDefault(name) + value;
        }

        if (!double.IsFinite(turn.Reward))
        {
            Fail($"The reward of '{Task.Id}' is {turn.Reward}; it must be a finite number.");
        }
        else if (turn.Observation is null)
        {
            IsOver = true;
        }
        else
        {
            _tokens.AddRange(turn.Observation);
        }
    }

    /// <summary>Ends it; it is counted, and not learned from.</summary>
    public void Fail(string reason) => (IsOver, Failure) = (true, reason);
}
