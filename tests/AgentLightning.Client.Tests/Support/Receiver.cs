using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Client.Tests.Support;

/// <summary>A request as it came over the wire.</summary>
public sealed record Received(string Path, string? ContentType, string? Encoding, string? Authorization, string Body)
{
    /// <summary>The records of a batch.</summary>
    public IEnumerable<JsonElement> Lines() =>
        Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement);
}

/// <summary>A web server that writes down what it gets, and answers what the test says.</summary>
public sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly SemaphoreSlim _arrived = new(0);

    private Receiver(WebApplication app) => _app = app;

    public ConcurrentQueue<Received> Requests { get; } = new();

    /// <summary>What is answered to the nth request, from 1: 200 unless told otherwise.</summary>
    public Func<int, HttpContext, Task<int>> Answer { get; set; } = (_, _) => Task.FromResult(200);

    public Uri Url => new(_app.Urls.Single());

    /// <summary>The ids of the episodes that were answered with 200, as they came.</summary>
    public ConcurrentQueue<string> Taken { get; } = new();

    public static async Task<Receiver> StartAsync(string url = "http://127.0.0.1:0")
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(url);
        builder.Logging.ClearProviders();
        var receiver = new Receiver(builder.Build());
        var number = 0;
        receiver._app.Run(async context =>
        {
            using var buffer = new MemoryStream();
            await context.Request.Body.CopyToAsync(buffer);
            buffer.Position = 0;
            using var reader = new StreamReader(
                context.Request.Headers.ContentEncoding == "gzip" ? new GZipStream(buffer, CompressionMode.Decompress) : buffer,
                Encoding.UTF8
            );
            var received = new Received(
                context.Request.Path,
                context.Request.ContentType,
                context.Request.Headers.ContentEncoding,
                context.Request.Headers.Authorization,
                await reader.ReadToEndAsync()
            );
            receiver.Requests.Enqueue(received);
            var status = await receiver.Answer(Interlocked.Increment(ref number), context);
            if (!context.Response.HasStarted)
            {
                context.Response.StatusCode = status;
            }

            if (status == 200 && received.Path.EndsWith("/capture", StringComparison.Ordinal))
            {
                foreach (var line in received.Lines().Where(line => line.GetProperty("type").GetString() == "episode"))
                {
                    receiver.Taken.Enqueue(line.GetProperty("user_input").GetString()!);
                }
            }

            receiver._arrived.Release();
        });
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Completes when so many requests more have been answered.</summary>
    public async Task ArrivedAsync(int requests = 1)
    {
        for (var i = 0; i < requests; i++)
        {
            Assert.True(await _arrived.WaitAsync(TimeSpan.FromMinutes(1)), $"only {i} of {requests} requests came");
        }
    }

    /// <summary>Every record that came, in order.</summary>
    public IReadOnlyList<JsonElement> Records() =>
        [.. Requests.Where(request => request.Path == "/api/lightning/capture").SelectMany(request => request.Lines())];

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _arrived.Dispose();
    }

    /// <summary>An address at which nobody listens.</summary>
    public static Uri Nowhere()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        return new Uri($"http://127.0.0.1:{port}");
    }
}
