using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.Testing;

/// <summary>A request for a file, or for the list of files.</summary>
/// <param name="Server">"hub", or "store" for the host that large files are redirected to.</param>
public sealed record HubRequest(string Server, string Path, string? Authorization, string? Range, string? IfRange);

/// <summary>
/// A hub with one repository, as Hugging Face lays it out: the list names sizes and hashes, small files come from the hub, large ones
/// (<c>*.safetensors</c>) from a second server that the hub redirects to.
/// </summary>
public sealed class FakeHub : IAsyncDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";
    private readonly ConcurrentDictionary<string, byte[]> _files = new(StringComparer.Ordinal);
    private LoopbackServer _hub = null!,
        _store = null!;

    public ConcurrentQueue<HubRequest> Requests { get; } = new();

    public Uri Url => _hub.Url;

    public Uri StoreUrl => _store.Url;

    public string Repository { get; init; } = "maker/tiny";

    /// <summary>The token without which nothing is shown; null for a public repository.</summary>
    public string? Token { get; set; }

    /// <summary>
    /// Called before a file is sent, with the request's number among those for a file of this name, from 1. True says that it has answered.
    /// </summary>
    public Func<HttpContext, string, int, Task<bool>> Before { get; set; } = (_, _, _) => Task.FromResult(false);

    /// <summary>Called before the list is sent; true says that it has answered.</summary>
    public Func<HttpContext, Task<bool>> BeforeList { get; set; } = _ => Task.FromResult(false);

    /// <summary>Changes what the list says of a file.</summary>
    public Func<string, Dictionary<string, object?>, Dictionary<string, object?>> Listed { get; set; } = (_, entry) => entry;

    /// <summary>Whether large files are sent with a strong tag of their own.</summary>
    public bool StoreTags { get; set; } = true;

    public static async Task<FakeHub> StartAsync(string? repository = null)
    {
        var hub = new FakeHub { Repository = repository ?? "maker/tiny" };
        hub._store = await LoopbackServer.StartAsync(context => hub.ServeAsync(context, "store"));
        hub._hub = await LoopbackServer.StartAsync(context => hub.ServeAsync(context, "hub"));
        return hub;
    }

    public void Add(string name, byte[] content) => _files[name] = content;

    public void Add(string name, string content) => Add(name, Encoding.UTF8.GetBytes(content));

    public void AddFolder(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            Add(Path.GetFileName(file), File.ReadAllBytes(file));
        }
    }

    public byte[] this[string name] => _files[name];

    public IEnumerable<HubRequest> RequestsFor(string name) =>
        Requests.Where(request => request.Path.EndsWith("/" + name, StringComparison.Ordinal));

    /// <summary>
    /// Promises all bytes from a place on, and sends only some: the connection is closed then. A reset could overtake what was sent.
    /// </summary>
    public async Task CutAsync(HttpContext context, string name, int from, int bytes)
    {
        Head(context, name, from);
        await context.Response.Body.WriteAsync(_files[name].AsMemory(from, bytes));
        await context.Response.Body.FlushAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _store.DisposeAsync();
    }

    private async Task ServeAsync(HttpContext context, string server)
    {
        var path = context.Request.Path.Value!;
        var headers = context.Request.Headers;
        Requests.Enqueue(new HubRequest(server, path, headers.Authorization, headers.Range, headers.IfRange));
        if (server == "hub" && Token is not null && headers.Authorization != $"Bearer {Token}")
        {
            context.Response.StatusCode = 401;
            context.Response.Headers["X-Error-Code"] = "RepoNotFound";
            return;
        }

        var resolve = $"/{Repository}/resolve/{Commit}/";
        if (server == "hub" && (path == $"/api/models/{Repository}/revision/main" || path == $"/api/models/{Repository}/revision/{Commit}"))
        {
            if (!await BeforeList(context))
            {
                await context.Response.WriteAsync(List());
            }
        }
        else if (path.StartsWith(resolve, StringComparison.Ordinal) && _files.ContainsKey(path[resolve.Length..]))
        {
            await SendAsync(context, server, path[resolve.Length..]);
        }
        else
        {
            context.Response.StatusCode = 404;
        }
    }

    private string List() =>
        JsonSerializer.Serialize(
            new
            {
                id = Repository,
                sha = Commit,
                siblings = _files
                    .OrderBy(file => file.Key, StringComparer.Ordinal)
                    .Select(file =>
                        Listed(
                            file.Key,
                            IsLarge(file.Key)
                                ? new()
                                {
                                    ["rfilename"] = file.Key,
                                    ["size"] = file.Value.Length,
                                    ["blobId"] = new string('b', 40),
                                    ["lfs"] = new
                                    {
                                        sha256 = Convert.ToHexStringLower(SHA256.HashData(file.Value)),
                                        size = file.Value.Length,
                                        pointerSize = 135,
                                    },
                                }
                                : new()
                                {
                                    ["rfilename"] = file.Key,
                                    ["size"] = file.Value.Length,
                                    ["blobId"] = GitHash(file.Value),
                                }
                        )
                    ),
            }
        );

    private async Task SendAsync(HttpContext context, string server, string name)
    {
        if (server == "hub" && IsLarge(name))
        {
            context.Response.Headers["X-Linked-Etag"] = $"\"{Convert.ToHexStringLower(SHA256.HashData(_files[name]))}\"";
            context.Response.Headers["X-Linked-Size"] = _files[name].Length.ToString(CultureInfo.InvariantCulture);
            context.Response.Redirect($"{StoreUrl.AbsoluteUri.TrimEnd('/')}{context.Request.Path}?signature=a-signature-that-is-secret");
            return;
        }

        if (await Before(context, name, RequestsFor(name).Count(request => request.Server == server)))
        {
            return;
        }

        var ranged =
            context.Request.GetTypedHeaders().Range is { } asked
            && (context.Request.Headers.IfRange.Count == 0 || context.Request.Headers.IfRange == Tag(name))
                ? asked
                : null;
        var from = (int)(ranged?.Ranges.Single().From ?? 0);
        if (ranged is not null && from >= _files[name].Length)
        {
            context.Response.StatusCode = (int)HttpStatusCode.RequestedRangeNotSatisfiable;
            context.Response.Headers.ContentRange = $"bytes */{_files[name].Length}";
            return;
        }

        Head(context, name, ranged is null ? 0 : from);
        await context.Response.Body.WriteAsync(_files[name].AsMemory(ranged is null ? 0 : from));
    }

    private void Head(HttpContext context, string name, int from)
    {
        var length = _files[name].Length;
        if (!IsLarge(name) || StoreTags)
        {
            context.Response.Headers.ETag = Tag(name);
        }

        context.Response.ContentLength = length - from;
        if (from > 0)
        {
            context.Response.StatusCode = (int)HttpStatusCode.PartialContent;
            context.Response.Headers.ContentRange = $"bytes {from}-{length - 1}/{length}";
        }
    }

    private string Tag(string name) =>
        IsLarge(name) ? $"\"{Convert.ToHexStringLower(SHA256.HashData(_files[name]))[..32]}\"" : $"\"{GitHash(_files[name])}\"";

    private static bool IsLarge(string name) => name.EndsWith(".safetensors", StringComparison.Ordinal);

#pragma warning disable CA5350 // git names content by it.
    private static string GitHash(byte[] content) =>
        Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));
#pragma warning restore CA5350
}
