using System.Runtime.InteropServices;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops;

/// <summary>
/// Loss and gradient of examples. They are packed: one after the other without padding, as many as may be computed at once, none seeing
/// another. Only tokens that are learned have logits.
/// </summary>
internal sealed class FineTuningStep : IDisposable
{
    private readonly TrainingSession _session;
    private readonly int _tokensAtOnce;
    private readonly List<int> _tokens = [],
        _starts = [],
        _positions = [],
        _targets = [];
    private readonly List<float> _weights = [];
    private float[] _logProbabilities = [];

    public FineTuningStep(Transformer model, Compute compute, FineTuningOptions options)
    {
        _session = new TrainingSession(model, compute, new TrainingSessionOptions { Checkpointing = options.Checkpointing });
        _tokensAtOnce = options.TokensAtOnce;
    }

    /// <summary>
    /// Adds the gradient of Σ weight · −ln p / (tokens learned in all examples), and returns that. Dividing by all tokens, and not per
    /// piece, is what makes pieces add up to the whole.
    /// </summary>
    public double AddGradient(ReadOnlySpan<TokenExample> examples) => Run(examples, TargetsOf(examples), learn: true) / TargetsOf(examples);

    /// <summary>Mean −ln p over all tokens that would be learned, unweighted.</summary>
    public double Loss(ReadOnlySpan<TokenExample> examples) => Run(examples, 1, learn: false) / TargetsOf(examples);

    public static int TargetsOf(ReadOnlySpan<TokenExample> examples)
    {
        var targets = 0;
        foreach (var example in examples)
        {
            targets += example.Targets;
        }

        return targets;
    }

    public void Dispose() => _session.Dispose();

    private double Run(ReadOnlySpan<TokenExample> examples, int all, bool learn)
    {
        double sum = 0;
        for (var from = 0; from < examples.Length; )
        {
            var to = Pack(examples, from, learn);
            if (_logProbabilities.Length < _targets.Count)
            {
                _logProbabilities = new float[_targets.Count];
            }

            var logProbabilities = _logProbabilities.AsSpan(0, _targets.Count);
            _session.Forward(
                CollectionsMarshal.AsSpan(_tokens),
                CollectionsMarshal.AsSpan(_starts),
                CollectionsMarshal.AsSpan(_positions),
                CollectionsMarshal.AsSpan(_targets),
                logProbabilities
            );
            for (var i = 0; i < logProbabilities.Length; i++)
            {
                sum -= (double)_weights[i] * logProbabilities[i];
                logProbabilities[i] = -_weights[i] / all;
            }

            if (learn)
            {
                _session.Backward(logProbabilities);
            }

            from = to;
        }

        return sum;
    }

    /// <summary>Packs examples from one on, and returns the first that has no room.</summary>
    private int Pack(ReadOnlySpan<TokenExample> examples, int from, bool weighted)
    {
        _tokens.Clear();
        _positions.Clear();
        _targets.Clear();
        _weights.Clear();
        _starts.Clear();
        _starts.Add(0);
        var next = from;
        for (; next < examples.Length && (next == from || _tokens.Count + examples[next].Tokens.Length <= _tokensAtOnce); next++)
        {
            var example = examples[next];
            var start = _tokens.Count;
            _tokens.AddRange(example.Tokens);
            _starts.Add(_tokens.Count);
            var skipped = 0;
            for (var t = example.LearnFrom; t < example.Tokens.Length; t++)
            {
                if (skipped < example.OnlyRead?.Count && example.OnlyRead[skipped].Start.Value == t)
                {
                    t = example.OnlyRead[skipped++].End.Value - 1;
                    continue;
                }

                _positions.Add(start + t - 1);
                _targets.Add(example.Tokens[t]);
                _weights.Add(weighted ? example.Weight : 1);
            }
        }

        return next;
    }
}
