using AgentLightning.Models.Architectures;
using AgentLightning.Models.Objectives;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops;

/// <summary>
/// One optimizer over one classifier. A step reads a mini-batch forward, asks the objective for the gradient of the logits, and takes it
/// back by hand: dW = Σ dz·hᵀ, dh = Wᵀ·dz, dE[row] = Σ w·dh; then AdamW on the rows that the batch touched ("lazy": an untouched row does
/// not move).
/// </summary>
/// <remarks>
/// Every number is summed in the order of the batch whatever the number of threads, so a seed gives the same model on one thread and on
/// many.
/// </remarks>
public sealed class ClassifierTrainer
{
    private readonly TextClassifier _model;
    private readonly EncodedTexts _texts;
    private readonly ClassifierTrainingOptions _options;
    private readonly AdamW _rowRule,
        _denseRule;
    private readonly int _width,
        _labels,
        _parts;
    private readonly float[] _hidden,
        _logits,
        _logitGradients,
        _hiddenGradients,
        _losses;
    private readonly float[] _rowGradients,
        _rowMoment1,
        _rowMoment2;
    private readonly float[] _outputGradient,
        _outputMoment1,
        _outputMoment2,
        _biasGradient,
        _biasMoment1,
        _biasMoment2;
    private readonly int[] _rowSeenInBatch;
    private readonly List<int>[] _touchedRows;
    private readonly Sample[] _batch;
    private int _step,
        _batchNumber;

    public ClassifierTrainer(TextClassifier model, EncodedTexts texts, ClassifierTrainingOptions options)
    {
        options.Validate();
        (_model, _texts, _options) = (model, texts, options);
        _rowRule = new AdamW(Epsilon: options.Epsilon, WeightDecay: options.WeightDecay);
        _denseRule = new AdamW(WeightDecay: options.WeightDecay);
        (_width, _labels) = (model.Width, model.Labels.Count);
        _parts = Math.Clamp(Environment.ProcessorCount, 1, 8);
        _batch = new Sample[options.BatchSize];
        _losses = new float[options.BatchSize];
        _hidden = new float[options.BatchSize * _width];
        _hiddenGradients = new float[options.BatchSize * _width];
        _logits = new float[options.BatchSize * _labels];
        _logitGradients = new float[options.BatchSize * _labels];
        _rowGradients = new float[model.Embedding.LongLength];
        _rowMoment1 = new float[model.Embedding.LongLength];
        _rowMoment2 = new float[model.Embedding.LongLength];
        _outputGradient = new float[model.Output.Length];
        _outputMoment1 = new float[model.Output.Length];
        _outputMoment2 = new float[model.Output.Length];
        _biasGradient = new float[_labels];
        _biasMoment1 = new float[_labels];
        _biasMoment2 = new float[_labels];
        _rowSeenInBatch = new int[model.Rows];
        _touchedRows = [.. Enumerable.Range(0, _parts).Select(_ => new List<int>())];
    }

    /// <summary>
    /// Goes once through the samples, in the order given, in mini-batches, while the learning rate falls from
    /// <paramref name="rateFrom"/> to <paramref name="rateTo"/>. Returns the mean loss.
    /// </summary>
    public float TrainEpoch(
        ReadOnlySpan<Sample> samples,
        IObjective objective,
        float rateFrom,
        float rateTo,
        CancellationToken cancellationToken
    )
    {
        double loss = 0;
        for (var start = 0; start < samples.Length; start += _options.BatchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var batch = samples[start..Math.Min(start + _options.BatchSize, samples.Length)];
            var rate = rateFrom + ((rateTo - rateFrom) * start / samples.Length);
            loss += TrainStep(batch, objective, rate);
        }

        return samples.Length == 0 ? 0 : (float)(loss / samples.Length);
    }

    /// <summary>One update from one batch. Returns the sum of its losses.</summary>
    private double TrainStep(ReadOnlySpan<Sample> batch, IObjective objective, float learningRate)
    {
        _step++;
        ComputeGradients(batch, objective);
        var count = batch.Length;
        Parallel.For(0, _parts, part => UpdateRows(part, learningRate));
        _denseRule.Update(_model.Output, _outputGradient, _outputMoment1, _outputMoment2, learningRate * _options.OutputRate, _step);
        _denseRule.Update(_model.Bias, _biasGradient, _biasMoment1, _biasMoment2, learningRate * _options.OutputRate, _step);

        double loss = 0;
        foreach (var value in _losses.AsSpan(0, count))
        {
            loss += value;
        }

        return loss;
    }

    /// <summary>Mean gradient of a batch, left in the gradient buffers; the parameters stay as they are.</summary>
    internal void ComputeGradients(ReadOnlySpan<Sample> batch, IObjective objective)
    {
        _batchNumber++;
        batch.CopyTo(_batch);
        var count = batch.Length;
        Parallel.For(0, _parts, part =>
        {
            for (var i = count * part / _parts; i < count * (part + 1) / _parts; i++)
            {
                ForwardBackward(i, 1f / count, objective);
            }
        });
        Parallel.For(0, _parts, part =>
        {
            GatherRowGradients(part, count);
            GatherOutputGradients(part, count);
        });
    }

    internal (float Loss, ReadOnlyMemory<float> Embedding, ReadOnlyMemory<float> Output, ReadOnlyMemory<float> Bias) Gradients(int count)
    {
        var loss = 0f;
        foreach (var value in _losses.AsSpan(0, count))
        {
            loss += value / count;
        }

        return (loss, _rowGradients, _outputGradient, _biasGradient);
    }

    private void ForwardBackward(int i, float scale, IObjective objective)
    {
        var hidden = _hidden.AsSpan(i * _width, _width);
        _model.AddRows(_texts.RowsOf(_batch[i].Text), _texts.WeightsOf(_batch[i].Text), hidden);

        var logits = _logits.AsSpan(i * _labels, _labels);
        var gradient = _logitGradients.AsSpan(i * _labels, _labels);
        _model.Score(hidden, logits);
        _losses[i] = objective.Evaluate(logits, _batch[i], gradient);

        var hiddenGradient = _hiddenGradients.AsSpan(i * _width, _width);
        hiddenGradient.Clear();
        for (var c = 0; c < _labels; c++)
        {
            gradient[c] *= scale;
            VectorMath.AddScaled(gradient[c], _model.Output.AsSpan(c * _width, _width), hiddenGradient);
        }
    }

    /// <summary>
    /// A part owns a range of rows, so no two threads write one row; the rows of a text are ascending, so its share is one slice.
    /// </summary>
    private void GatherRowGradients(int part, int count)
    {
        var first = (int)((long)_model.Rows * part / _parts);
        var end = (int)((long)_model.Rows * (part + 1) / _parts);
        var touched = _touchedRows[part];
        touched.Clear();
        for (var i = 0; i < count; i++)
        {
            var rows = _texts.RowsOf(_batch[i].Text);
            var weights = _texts.WeightsOf(_batch[i].Text);
            var hiddenGradient = _hiddenGradients.AsSpan(i * _width, _width);
            for (var f = LowerBound(rows, first); f < rows.Length && rows[f] < end; f++)
            {
                var row = rows[f];
                var gradient = _rowGradients.AsSpan(row * _width, _width);
                if (_rowSeenInBatch[row] != _batchNumber)
                {
                    _rowSeenInBatch[row] = _batchNumber;
                    gradient.Clear();
                    touched.Add(row);
                }

                VectorMath.AddScaled(weights[f], hiddenGradient, gradient);
            }
        }
    }

    private void GatherOutputGradients(int part, int count)
    {
        for (var c = part; c < _labels; c += _parts)
        {
            var gradient = _outputGradient.AsSpan(c * _width, _width);
            gradient.Clear();
            var bias = 0f;
            for (var i = 0; i < count; i++)
            {
                var dz = _logitGradients[(i * _labels) + c];
                bias += dz;
                VectorMath.AddScaled(dz, _hidden.AsSpan(i * _width, _width), gradient);
            }

            _biasGradient[c] = bias;
        }
    }

    private void UpdateRows(int part, float learningRate)
    {
        foreach (var row in _touchedRows[part])
        {
            var at = row * _width;
            _rowRule.Update(
                _model.Embedding.AsSpan(at, _width),
                _rowGradients.AsSpan(at, _width),
                _rowMoment1.AsSpan(at, _width),
                _rowMoment2.AsSpan(at, _width),
                learningRate,
                _step
            );
        }
    }

    private static int LowerBound(ReadOnlySpan<int> rows, int value)
    {
        var index = rows.BinarySearch(value);
        if (index < 0)
        {
            return ~index;
        }

        while (index > 0 && rows[index - 1] == value)
        {
            index--;
        }

        return index;
    }
}
