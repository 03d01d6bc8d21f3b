using System.Runtime.InteropServices;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>
/// Log-probabilities of drawn tokens, and the way back from an objective to the gradients of the model. Sequences are packed as a
/// <see cref="SequencePlan"/> says: what some begin with in common is computed once, and only drawn tokens have logits.
/// </summary>
internal sealed class PolicyStep(
    Transformer model,
    Compute compute,
    ValueHead? values,
    int tokensAtOnce,
    float temperature,
    bool checkpointing,
    bool sharePrompts = true
) : IDisposable
{
    private readonly TrainingSession _session = new(model, compute, new TrainingSessionOptions { Checkpointing = checkpointing });
    private readonly ModelWork _work = new(model);
    private readonly List<bool> _tails = [];
    private readonly List<int> _tokens = [],
        _starts = [],
        _drawnStarts = [],
        _positions = [],
        _targets = [];
    private readonly List<float> _old = [],
        _reference = [],
        _advantages = [],
        _oldValues = [],
        _returns = [];
    private double _flops;
    private float[] _logProbabilities = [],
        _entropies = [],
        _values = [],
        _states = [],
        _gradients = [],
        _entropyGradients = [],
        _valueGradients = [];

    /// <summary>Operations that the model was asked for so far.</summary>
    public double Flops { get; private set; }

    private int Width => model.Config.Width;

    /// <summary>
    /// Gives ln p of the drawn tokens of each sequence, one after the other, and what is expected to come where there is a value head.
    /// </summary>
    public void Score(IReadOnlyList<LearningSequence> sequences, Action<LearningSequence, float[], float[]> take)
    {
        var plan = new SequencePlan(sequences, tokensAtOnce, sharePrompts);
        var results = new (float[] LogProbabilities, float[] Values)[sequences.Count];
        for (var part = 0; part < plan.Parts; part++)
        {
            var from = Pack(plan, part);
            Forward(passes: 1);
            for (var s = 0; s < _drawnStarts.Count - 1; s++)
            {
                var range = _drawnStarts[s].._drawnStarts[s + 1];
                results[plan.IndexOf(from + s)] = (_logProbabilities[range], values is null ? [] : _values[range]);
            }
        }

        for (var i = 0; i < sequences.Count; i++)
        {
            take(sequences[i], results[i].LogProbabilities, results[i].Values);
        }
    }

    /// <summary>Adds the gradient of the objective over all the sequences, and returns its loss.</summary>
    /// <param name="maxTokens">Most tokens that a sequence could have had.</param>
    /// <param name="logProbabilities">Becomes ln p of the drawn tokens of each sequence; null where nobody wants them.</param>
    public double AddGradient(
        IReadOnlyList<LearningSequence> sequences,
        ISequenceObjective objective,
        int maxTokens,
        MetricSums metrics,
        float[][]? logProbabilities = null
    ) => Run(sequences, objective, maxTokens, metrics, learn: true, logProbabilities);

    /// <summary>The loss of the objective over all the sequences, and nothing else.</summary>
    public double Loss(IReadOnlyList<LearningSequence> sequences, ISequenceObjective objective, int maxTokens, MetricSums metrics) =>
        Run(sequences, objective, maxTokens, metrics, learn: false, null);

    public void Dispose() => _session.Dispose();

    private double Run(
        IReadOnlyList<LearningSequence> sequences,
        ISequenceObjective objective,
        int maxTokens,
        MetricSums metrics,
        bool learn,
        float[][]? logProbabilities
    )
    {
        var plan = new SequencePlan(sequences, tokensAtOnce, sharePrompts);
        var whole = new UpdateSize(sequences.Count, sequences.Sum(sequence => sequence.Drawn.Length), maxTokens, plan.Parts);
        double loss = 0;
        for (var part = 0; part < plan.Parts; part++)
        {
            var from = Pack(plan, part);
            Forward(learn ? _work.LearningPasses : 1);
            var count = _targets.Count;
            for (var s = 0; logProbabilities is not null && s < _drawnStarts.Count - 1; s++)
            {
                logProbabilities[plan.IndexOf(from + s)] = _logProbabilities[_drawnStarts[s].._drawnStarts[s + 1]];
            }

            var gradients = new SequenceGradients
            {
                LogProbabilities = _gradients.AsSpan(0, count),
                Entropies = _entropyGradients.AsSpan(0, count),
                Values = values is null ? default : _valueGradients.AsSpan(0, count),
            };
            loss += objective.Evaluate(Batch(), whole, gradients, metrics);
            if (!learn || count == 0)
            {
                continue;
            }

            Span<float> states = default;
            if (values is not null)
            {
                states = _states.AsSpan(0, count * Width);
                values.Backward(states, gradients.Values);
            }

            _session.Backward(
                gradients.LogProbabilities,
                objective.Needs.HasFlag(SequenceNeeds.Entropies) ? gradients.Entropies : default,
                states
            );
        }

        return loss;
    }

    private SequenceBatch Batch() =>
        new()
        {
            Starts = CollectionsMarshal.AsSpan(_drawnStarts),
            LogProbabilities = _logProbabilities.AsSpan(0, _targets.Count),
            Entropies = _entropies.AsSpan(0, _targets.Count),
            OldLogProbabilities = CollectionsMarshal.AsSpan(_old),
            ReferenceLogProbabilities = CollectionsMarshal.AsSpan(_reference),
            Advantages = CollectionsMarshal.AsSpan(_advantages),
            Values = values is null ? default : _values.AsSpan(0, _targets.Count),
            OldValues = CollectionsMarshal.AsSpan(_oldValues),
            Returns = CollectionsMarshal.AsSpan(_returns),
        };

    private void Forward(int passes)
    {
        var count = _targets.Count;
        Flops += passes * _flops;
        if (_logProbabilities.Length < count)
        {
            (_logProbabilities, _entropies, _gradients, _entropyGradients) = (
                new float[count],
                new float[count],
                new float[count],
                new float[count]
            );
            (_values, _valueGradients, _states) = values is null
                ? ([], [], [])
                : (new float[count], new float[count], new float[count * Width]);
        }

        if (count == 0)
        {
            return;
        }

        _session.Forward(
            CollectionsMarshal.AsSpan(_tokens),
            CollectionsMarshal.AsSpan(_starts),
            CollectionsMarshal.AsSpan(_positions),
            CollectionsMarshal.AsSpan(_targets),
            _logProbabilities.AsSpan(0, count),
            _entropies.AsSpan(0, count),
            temperature,
            CollectionsMarshal.AsSpan(_tails)
        );
        if (values is not null)
        {
            _session.ReadStates(_states.AsSpan(0, count * Width));
            values.Forward(_states.AsSpan(0, count * Width), _values.AsSpan(0, count));
        }
    }

    /// <summary>Packs a part of the plan, and returns the place of its first sequence.</summary>
    private int Pack(SequencePlan plan, int part)
    {
        foreach (var list in (List<int>[])[_tokens, _starts, _drawnStarts, _positions, _targets])
        {
            list.Clear();
        }

        foreach (var list in (List<float>[])[_old, _reference, _advantages, _oldValues, _returns])
        {
            list.Clear();
        }

        _tails.Clear();
        _starts.Add(0);
        _drawnStarts.Add(0);
        _flops = 0;
        foreach (var family in plan.Part(part))
        {
            var common = _tokens.Count;
            Add(plan[family.From].Tokens.AsSpan(0, family.Common), before: 0);
            for (var place = family.From; place < family.To; place++)
            {
                var sequence = plan[place];
                var own = _tokens.Count - family.Common;
                Add(sequence.Tokens.AsSpan(family.Common..sequence.Inputs), family.Common);
                foreach (var drawn in sequence.Drawn)
                {
                    _positions.Add(drawn - 1 + (drawn <= family.Common ? common : own));
                    _targets.Add(sequence.Tokens[drawn]);
                }

                _drawnStarts.Add(_targets.Count);
                _flops += _work.Forward(0, 0, sequence.Drawn.Length);
                _old.AddRange(sequence.Old);
                _reference.AddRange(sequence.Reference);
                _advantages.AddRange(sequence.Advantages);
                _oldValues.AddRange(sequence.Values);
                _returns.AddRange(sequence.Returns);
            }
        }

        return plan.Part(part) is [var first, ..] ? first.From : 0;
    }

    /// <summary>Adds a sequence, or the tail of one of which some tokens came before; where there are no tokens, nothing.</summary>
    private void Add(ReadOnlySpan<int> tokens, int before)
    {
        if (tokens.IsEmpty)
        {
            return;
        }

        _tokens.AddRange(tokens);
        _starts.Add(_tokens.Count);
        _tails.Add(before > 0);
        _flops += _work.Forward(before, tokens.Length, 0);
    }
}
