using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AgentLightning.Server.Tests.Support;

/// <summary>Makes requests that are wrong in some way, mostly; one sequence for one seed.</summary>
public sealed class BadRequests(IReadOnlyList<OpenApiOperation> operations, string[] known, int seed)
{
    private static readonly string[] s_methods =
    [
        "GET",
        "POST",
        "PUT",
        "DELETE",
        "PATCH",
        "HEAD",
        "OPTIONS",
        "TRACE",
        "LOCK",
        "get",
        "QUERY",
    ];
    private static readonly string[] s_mediaTypes =
    [
        "text/plain",
        "application/x-protobuf",
        "application/xml",
        "application/json; charset=utf-16",
        "application/json; charset=nonsense",
        "multipart/form-data",
        ";",
        "*/*",
    ];
    private static readonly string[] s_accepts =
    [
        "text/html",
        "*/*",
        "application/x-protobuf",
        "text/event-stream",
        "nonsense",
        "application/json;q=0",
    ];
    private static readonly string[] s_nonsense =
    [
        "GET\r\n\r\n",
        "GET /health\r\n\r\n",
        "\r\n\r\n\r\n",
        "GET /health HTTP/9.9\r\n\r\n",
        "GET  /health HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /health HTTP/1.1\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "POST /api/lightning/triage HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /api/lightning/triage HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        "POST /api/lightning/rewards HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /api/lightning/triage HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n{}",
        "POST /api/lightning/triage HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
            + "chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "POST /api/lightning/triage HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
            + "chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "POST /api/lightning/triage HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        "GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /%zz%00%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /health\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        "\u0016\u0003\u0001\u0002\0\u0001\0\u0001",
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAA\r\n\r\n",
    ];

    private readonly Random _random = new(seed);

    /// <summary>A request that is HTTP, so that others can follow it on the connection.</summary>
    public (byte[] Bytes, bool IsHead) Next()
    {
        var operation = NextOperation();
        var method = _random.Next(8) == 0 ? s_methods[_random.Next(s_methods.Length)] : operation.Method;
        var path = _random.Next(12) == 0 ? "/" + Uri.EscapeDataString(Text()) : operation.PathWith(_ => Text());
        path = _random.Next(20) == 0 ? path + "/" + Uri.EscapeDataString(Text()) : path;
        var names = operation.Query.Append("nonsense").ToList();
        var query = string.Join(
            '&',
            Enumerable
                .Range(0, _random.Next(4))
                .Select(_ => $"{names[_random.Next(names.Count)]}={(_random.Next(12) == 0 ? "%ff%fe" : Uri.EscapeDataString(Text()))}")
        );
        var body =
            operation.Body is not null ? (_random.Next(15) == 0 ? [] : Body(operation))
            : _random.Next(10) == 0 ? Body(operations[_random.Next(operations.Count)])
            : null;
        var head = new StringBuilder($"{method} {path}{(query.Length > 0 ? "?" : "")}{query} HTTP/1.1\r\nHost: localhost\r\n");
        Headers(head, operation, body is not null);
        if (body is null)
        {
            return (Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), method == "HEAD");
        }

        var chunked = _random.Next(10) == 0;
        head.Append(
            chunked
                ? "Transfer-Encoding: chunked\r\n\r\n"
                : string.Create(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n\r\n")
        );
        byte[] framed =
            chunked && body.Length > 0 ? [.. Encoding.ASCII.GetBytes($"{body.Length:x};x=y\r\n"), .. body, .. "\r\n0\r\n\r\n"u8]
            : chunked ? [.. "0\r\n\r\n"u8]
            : body;
        return ([.. Encoding.ASCII.GetBytes(head.ToString()), .. framed], method == "HEAD");
    }

    /// <summary>Where there is little to get wrong there is little to try.</summary>
    private OpenApiOperation NextOperation()
    {
        while (true)
        {
            var operation = operations[_random.Next(operations.Count)];
            if (
                operation.Body is not null
                || operation.Query.Count > 0
                || operation.Path.Contains('{', StringComparison.Ordinal)
                || _random.Next(16) == 0
            )
            {
                return operation;
            }
        }
    }

    /// <summary>What is not HTTP, or ends in the middle.</summary>
    public byte[] NextNonsense()
    {
        var bytes = _random.Next(4) == 0 ? Next().Bytes : Encoding.Latin1.GetBytes(s_nonsense[_random.Next(s_nonsense.Length)]);
        switch (_random.Next(4))
        {
            case 0:
                return bytes[..(1 + _random.Next(bytes.Length))];
            case 1:
                bytes[_random.Next(bytes.Length)] = (byte)_random.Next(256);
                return bytes;
            default:
                return bytes;
        }
    }

    private void Headers(StringBuilder head, OpenApiOperation operation, bool hasBody)
    {
        if (hasBody && _random.Next(25) > 0)
        {
            head.Append(
                $"Content-Type: {(_random.Next(12) == 0 ? s_mediaTypes[_random.Next(s_mediaTypes.Length)] : operation.MediaType ?? "application/json")}\r\n"
            );
        }

        if (_random.Next(12) == 0)
        {
            head.Append($"Content-Encoding: {(_random.Next(2) == 0 ? "gzip" : "nonsense")}\r\n");
        }

        if (_random.Next(6) == 0)
        {
            head.Append($"Accept: {s_accepts[_random.Next(s_accepts.Length)]}\r\n");
        }

        if (_random.Next(8) == 0)
        {
            head.Append(
                $"{(_random.Next(2) == 0 ? "Authorization: Bearer" : "x-api-key:")} {(_random.Next(2) == 0 ? "nonsense" : $"lk_{_random.NextInt64():x16}_{new string('a', 64)}")}\r\n"
            );
        }

        if (_random.Next(30) == 0)
        {
            head.Append($"X-{_random.Next()}: {new string('h', _random.Next(2_000))}\r\n");
        }
    }

    private byte[] Body(OpenApiOperation operation)
    {
        var names = operation.Body is { Count: > 0 } properties
            ? properties.Select(property => property.Name).ToArray()
            : ["resourceSpans", "resourceLogs", "id", "value"];
        var json = _random.Next(40) switch
        {
            0 => new string('[', 200),
            1 => string.Concat(Enumerable.Repeat("{\"a\":", 100)) + "1" + new string('}', 100),
            < 6 => Value(names, 0),
            _ => Object(names, 0),
        };
        var bytes = _random.Next(30) == 0 ? Encoding.Unicode.GetBytes(json) : Encoding.UTF8.GetBytes(json);
        switch (_random.Next(6))
        {
            case 0:
                return bytes[.._random.Next(bytes.Length + 1)];
            case 1 when bytes.Length > 0:
                bytes[_random.Next(bytes.Length)] = (byte)_random.Next(256);
                return bytes;
            default:
                return bytes;
        }
    }

    private string Object(string[] names, int depth) =>
        $"{{{string.Join(',', Enumerable.Range(0, _random.Next(6)).Select(_ => $"\"{names[_random.Next(names.Length)]}\":{Value(names, depth + 1)}"))}}}";

    private string Value(string[] names, int depth) =>
        _random.Next(depth > 3 ? 9 : 11) switch
        {
            0 => "null",
            1 => _random.Next(2) == 0 ? "true" : "false",
            2 => _random.Next(-3, 8).ToString(CultureInfo.InvariantCulture),
            3 => new[] { "1e999", "-1e999", "0.5", "-0", "1e-999", "NaN", "12345678901234567890123", "0.1e", "01" }[_random.Next(9)],
            4 => "\"\\ud800\"",
            5 => "\"\\u0000\\u001f\"",
            < 9 => JsonSerializer.Serialize(Text()),
            9 => Object(names, depth),
            _ => $"[{string.Join(',', Enumerable.Range(0, _random.Next(4)).Select(_ => Value(names, depth + 1)))}]",
        };

    private string Text() =>
        _random.Next(16) switch
        {
            0 => "",
            1 => " ",
            < 5 => known[_random.Next(known.Length)],
            5 => "..",
            6 => new string('x', _random.Next(600)),
            7 => "'; DROP TABLE episodes; --",
            8 => "../../etc/passwd",
            9 => "2026-01-01T00:00:00Z",
            10 => "9999-12-31T23:59:59.9999999+14:00",
            11 => "0001-01-01T00:00:00-14:00",
            12 => "human_approval",
            13 => _random.Next().ToString(CultureInfo.InvariantCulture),
            14 => "日本語 🙂 \u202e",
            _ => string.Concat(Enumerable.Range(0, _random.Next(1, 12)).Select(_ => (char)_random.Next(1, 0xd7ff))),
        };
}
