using AgentLightning.Access;
using AgentLightning.Client;
using AgentLightning.Client.Delivery;
using AgentLightning.Client.Export;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Storage;
using AgentLightning.Traces;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Capture;

/// <summary>Capture without a server.</summary>
public static class EmbeddedLightning
{
    /// <summary>
    /// Registers the whole product and a client that captures into its store, in this process: the same calls as with a server. The store
    /// is opened, and made where it does not exist, with the first record. Episodes are read out of spans while the client lives.
    /// </summary>
    /// <param name="options">Where the records are kept.</param>
    /// <param name="configure">The options of capture; the environment is read first.</param>
    /// <exception cref="LightningException">A value is wrong.</exception>
    public static IServiceCollection AddLightningEmbedded(
        this IServiceCollection services,
        LightningOptions options,
        Action<LightningClientOptions>? configure = null
    ) =>
        services
            .AddLightningServices(options)
            .AddLightning(
                client =>
                {
                    // The environment may keep secrets in; the rest is as the store has it.
                    client.Redaction = options.Redaction with { Secrets = options.Redaction.Secrets && client.Redaction.Secrets };
                    configure?.Invoke(client);
                },
                // What the sink needs is made with it, so that it is closed after the client that still delivers.
                provider => new StoreSink(
                    provider.GetRequiredService<SqlDatabase>(),
                    provider.GetRequiredService<CaptureBatch>(),
                    provider.GetRequiredService<OtlpReceiver>(),
                    provider.GetRequiredService<EpisodeAssembler>()
                ),
                provider => new StoreReleases(provider.GetRequiredService<SqlDatabase>(), provider.GetRequiredService<SelectRelease>())
            );

    /// <summary>Asks the store which release serves.</summary>
    private sealed class StoreReleases(SqlDatabase database, SelectRelease select) : IReleaseSource
    {
        private volatile bool _isOpen;

        public async Task<SelectedRelease> SelectAsync(string agentId, string? sessionId, CancellationToken cancellationToken)
        {
            if (!_isOpen)
            {
                // As the first record does; whichever comes first.
                await database.MigrateAsync(cancellationToken).ConfigureAwait(false);
                _isOpen = true;
            }

            var served = await select
                .ExecuteAsync(Scope.Owner("client"), agentId, sessionId, null, cancellationToken)
                .ConfigureAwait(false);
            return new SelectedRelease(served.Release?.Id, served.Release?.TunedModelName, served.ExperimentId, served.Variant);
        }
    }

    /// <summary>Takes batches into the store.</summary>
    private sealed class StoreSink(SqlDatabase database, CaptureBatch capture, OtlpReceiver receiver, EpisodeAssembler assembler)
        : ICaptureSink,
            IDisposable
    {
        private readonly CancellationTokenSource _closed = new();
        private Task _reading = Task.CompletedTask;
        private bool _isOpen;

        /// <summary>What waits to be read lies in the store, for the next process.</summary>
        public void Dispose()
        {
            _closed.Cancel();
            _reading.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).Wait();
            _closed.Dispose();
        }

        public async Task<SinkAnswer> SendAsync(Payload payload, CancellationToken cancellationToken)
        {
            try
            {
                if (!_isOpen)
                {
                    await database.MigrateAsync(cancellationToken).ConfigureAwait(false);
                    _isOpen = true;
                    _reading = Task.Run(() => assembler.RunAsync(_closed.Token), CancellationToken.None);
                }

                if (payload.Kind == PayloadKind.Spans)
                {
                    return await TakeSpansAsync(payload, cancellationToken).ConfigureAwait(false);
                }

                using var lines = new MemoryStream(payload.Bytes.ToArray(), writable: false);
                var outcome = await capture.AddAsync(Scope.Owner("client"), lines, cancellationToken).ConfigureAwait(false);
                return new SinkAnswer(Verdict.Taken, outcome.Rejected.Count);
            }
            catch (LightningException e) when (e.Kind == ErrorKind.Unavailable)
            {
                return new SinkAnswer(Verdict.TryLater, Problem: e.Message);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                return new SinkAnswer(Verdict.Failed, Problem: e is LightningException ? e.Message : e.GetType().Name);
            }
        }

        private async Task<SinkAnswer> TakeSpansAsync(Payload payload, CancellationToken cancellationToken)
        {
            var result = await receiver
                .ReceiveAsync(payload.Bytes, OtlpEncoding.Json, SpanForm.Span, null, cancellationToken)
                .ConfigureAwait(false);
            return result.Outcome switch
            {
                OtlpOutcome.Stored => new SinkAnswer(Verdict.Taken, result.Rejected, Problem: result.Message),
                OtlpOutcome.Busy => new SinkAnswer(Verdict.TryLater, Problem: result.Message),
                _ => new SinkAnswer(Verdict.Refused, Problem: result.Message),
            };
        }
    }
}
