using System.Text;
using AgentLightning.Models.Generation.Grammars;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Generation;

/// <summary>One continuation of a prompt, complete when <see cref="FinishReason"/> is set.</summary>
public sealed class Completion
{
    private readonly List<int> _ids;
    private readonly List<float> _logProbabilities;
    private readonly StringBuilder _text = new();
    private readonly CompletionText? _decoder;
    private readonly Action<GeneratedToken>? _onToken;
    private readonly IReadOnlyList<int> _stopIds;
    private readonly TokenConstraint? _constraint;
    private GrammarState? _state;
    private volatile bool _cancelled;

    internal Completion(
        PromptGroup group,
        int index,
        IReadOnlyList<int> stopIds,
        CompletionText? decoder,
        TokenConstraint? constraint,
        Action<GeneratedToken>? onToken
    )
    {
        (Group, Index, _decoder, _constraint, _onToken, _stopIds) = (group, index, decoder, constraint, onToken, stopIds);
        _state = constraint?.Start;
        _ids = new List<int>(group.MaxTokens);
        _logProbabilities = new List<float>(group.MaxTokens);
        Random = new SeededRandom(group.Options.Seed, index);
    }

    /// <summary>Its number among the completions of one prompt, from 0.</summary>
    public int Index { get; }

    /// <summary>The tokens before it.</summary>
    public IReadOnlyList<int> PromptIds => Group.Prompt;

    /// <summary>Every token drawn, the one that ended it and those of a stop string included.</summary>
    public IReadOnlyList<int> TokenIds => _ids;

    /// <summary>
    /// ln p of each token: of the whole distribution at the temperature it was drawn with (1 where that is 0), before top-k, top-p and
    /// min-p.
    /// </summary>
    public IReadOnlyList<float> LogProbabilities => _logProbabilities;

    /// <summary>What it says, without special tokens and stop strings; empty without a tokenizer.</summary>
    public string Text => _text.ToString();

    /// <summary>Null while it goes on.</summary>
    public FinishReason? FinishReason { get; private set; }

    internal PromptGroup Group { get; }

    internal SeededRandom Random { get; }

    internal bool IsCancelled => _cancelled;

    /// <summary>Ends it before the next step; from another thread as well. A finished one stays as it is.</summary>
    public void Cancel() => _cancelled = true;

    internal void End(FinishReason reason)
    {
        _text.Append(_decoder?.Finish());
        FinishReason = reason;
    }

    /// <summary>
    /// A bit for each token that may come next; empty when any may. Valid until the next call for any completion of the generator.
    /// </summary>
    internal ReadOnlySpan<ulong> Allowed() =>
        _state is null ? default : _constraint!.Allowed(_state, Group.MaxTokens - _ids.Count - 1, _stopIds);

    /// <summary>Takes a token, ends where it should, and tells.</summary>
    internal void Add(int id, float logProbability)
    {
        _ids.Add(id);
        _logProbabilities.Add(logProbability);
        var (text, stopped) = _decoder?.Push(id) ?? ("", false);
        _state = _state is null ? null : _constraint!.After(_state, id);
        if (stopped || _stopIds.Contains(id) || _state is { IsWhole: true, GoesOn: false })
        {
            FinishReason = Generation.FinishReason.Stop;
        }
        else if (_ids.Count == Group.MaxTokens)
        {
            FinishReason = Generation.FinishReason.Length;
        }

        if (FinishReason is not null && !stopped)
        {
            text += _decoder?.Finish();
        }

        _text.Append(text);
        _onToken?.Invoke(new GeneratedToken(this, id, logProbability, text));
    }
}
