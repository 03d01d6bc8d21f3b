using System.Collections.Concurrent;
using AgentLightning.Common;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Engine.Chat;

/// <summary>
/// A loaded model with a thread of its own, which makes all answers together: they join and leave the batch between tokens.
/// </summary>
internal sealed class ModelRunner : IDisposable
{
    private readonly LanguageModel _model;
    private readonly Generator _generator;
    private readonly ConcurrentQueue<RunningRequest> _waiting = new();
    private readonly List<RunningRequest> _running = [];
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private volatile bool _stopping;
    private volatile Exception? _failure;

    private ModelRunner(LanguageModel model, Tokenizer tokenizer, Generator generator)
    {
        (_model, Tokenizer, _generator) = (model, tokenizer, generator);
        _thread = new Thread(Run) { IsBackground = true, Name = "local model" };
        _thread.Start();
    }

    public Tokenizer Tokenizer { get; }

    /// <summary>Tokens that a prompt and its answer can have together.</summary>
    public int Context => _model.Model.Config.MaxPositions;

    /// <summary>What ended the thread before its time; then the model must be loaded again.</summary>
    public Exception? Failure => _failure;

    public static ModelRunner Load(LocalModelOptions options, WeightCache weights)
    {
        var tokenizer = LanguageModel.LoadTokenizer(options.Folder);
        var model = LanguageModel.Load(options.Folder, options.Adapter, options.Threads, options.Type, weights, CancellationToken.None);
        try
        {
            var generator = LanguageModel.Guard(() =>
                new Generator(
                    model.Model,
                    model.Compute,
                    tokenizer,
                    new GeneratorOptions { MaxBatch = options.MaxBatch, CacheTokens = options.CacheTokens }
                )
            );
            return new ModelRunner(model, tokenizer, generator);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    public void Start(RunningRequest request)
    {
        _waiting.Enqueue(request);
        _wake.Set();
        if (_stopping || _failure is not null)
        {
            // The thread may have looked for the last time.
            EndAll();
        }
    }

    public void Dispose()
    {
        _stopping = true;
        _wake.Set();
        _thread.Join();
        _generator.Dispose();
        _model.Dispose();
        _wake.Dispose();
    }

    private void Run()
    {
        try
        {
            while (!_stopping)
            {
                while (_waiting.TryDequeue(out var request))
                {
                    Begin(request);
                }

                foreach (var request in _running.Where(request => request.IsCancelled))
                {
                    request.Completion!.Cancel();
                }

                if (_generator.Unfinished == 0)
                {
                    _wake.WaitOne();
                    continue;
                }

                _generator.Step();
                EndFinished();
            }
        }
        catch (Exception e)
        {
            // Whoever waits for an answer gets it as an error.
            _failure = e;
        }

        EndAll();
    }

    private void Begin(RunningRequest request)
    {
        try
        {
            if (!request.IsCancelled)
            {
                LanguageModel.Guard(() =>
                {
                    request.Begin(_generator);
                    return true;
                });
                _running.Add(request);
            }
        }
        catch (LightningException e)
        {
            request.End(e);
        }
    }

    private void EndFinished()
    {
        for (var i = _running.Count - 1; i >= 0; i--)
        {
            if (_running[i].Completion!.FinishReason is not null)
            {
                _running[i].End();
                _running.RemoveAt(i);
            }
        }
    }

    private void EndAll()
    {
        var error = new LightningException(
            ErrorKind.Unavailable,
            _failure is null ? "The model was unloaded while it answered." : $"The model failed while it answered: {_failure.Message}",
            _failure
        );
        while (_waiting.TryDequeue(out var request))
        {
            request.End(error);
        }

        if (Thread.CurrentThread == _thread)
        {
            _running.ForEach(request => request.End(error));
            _running.Clear();
        }
    }
}
