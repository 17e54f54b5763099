using Microsoft.Extensions.Options;
using ReSciCredentials.ReSci;

namespace ReSciCredentials.Broker;

/// <summary>The section <c>Broker</c>: what ReSci clients may do here, and how long they may take.</summary>
internal sealed class BrokerOptions
{
    public const string Section = "Broker";
    public const string Grouped = "grouped";
    public const string Strict = "strict";

    /// <summary><c>grouped</c>: at most a second of records is lost in a crash. <c>strict</c>: none; no call goes out before it is recorded.</summary>
    public string Audit { get; set; } = Grouped;

    /// <summary>Names of calls that no source of ReSci's documents and that are let through all the same.</summary>
    public IList<string> AssumedCalls { get; init; } = [];

    /// <summary>Calls under way at the same time, in all; 1 to 100,000.</summary>
    public int CallsAtOnce { get; set; } = 1000;

    /// <summary>Calls under way at the same time with one token; 1 to 100,000.</summary>
    public int CallsAtOncePerToken { get; set; } = 100;

    /// <summary>Calls a minute with one token that has no limit of its own; 0 for any number.</summary>
    public int RequestsPerMinute { get; set; }

    /// <summary>Wrong tokens a minute from one address before it is told to wait; 1 to 10,000.</summary>
    public int WrongTokensPerMinute { get; set; } = 30;

    /// <summary>How long a read may stand still; 1 second to 1 hour.</summary>
    public TimeSpan ReadTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a write may stand still; 1 second to 1 hour.</summary>
    public TimeSpan WriteTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many of the newest calls are kept one by one; 100 to 10,000,000.</summary>
    public int KeptCalls { get; set; } = 100_000;

    /// <summary>For how many days the sums by hour are kept; 1 to 3,650.</summary>
    public int KeptDays { get; set; } = 400;

    /// <summary>Whether users can be written one by one, and so a welcome mail be sent.</summary>
    public bool WritesUsers => ReSciCalls.All.Any(call => call.WritesUsers && AssumedCalls.Contains(call.Name));

    public bool IsStrict => Audit.Equals(Strict, StringComparison.OrdinalIgnoreCase);

    /// <summary>Names every setting that is wrong by its key.</summary>
    internal sealed class Validation : IValidateOptions<BrokerOptions>
    {
        private const int Most = 100_000;

        public ValidateOptionsResult Validate(string? name, BrokerOptions options)
        {
            List<string> failures = [];
            if (!options.IsStrict && !options.Audit.Equals(Grouped, StringComparison.OrdinalIgnoreCase))
            {
                failures.Add($"{Section}:{nameof(Audit)} must be {Grouped} or {Strict}: '{options.Audit}'.");
            }

            var assumed = ReSciCalls.All.Where(call => call.IsAssumed).Select(call => call.Name).ToArray();
            failures.AddRange(options.AssumedCalls.Except(assumed, StringComparer.Ordinal).Select(unknown =>
                $"{Section}:{nameof(AssumedCalls)} may hold {string.Join(", ", assumed)}: '{unknown}'."));

            Check(nameof(CallsAtOnce), options.CallsAtOnce, 1, Most);
            Check(nameof(CallsAtOncePerToken), options.CallsAtOncePerToken, 1, Most);
            Check(nameof(RequestsPerMinute), options.RequestsPerMinute, 0, 10 * Most);
            Check(nameof(WrongTokensPerMinute), options.WrongTokensPerMinute, 1, Most / 10);
            Check(nameof(KeptCalls), options.KeptCalls, 100, 100 * Most);
            Check(nameof(KeptDays), options.KeptDays, 1, 3650);
            CheckTime(nameof(ReadTimeout), options.ReadTimeout);
            CheckTime(nameof(WriteTimeout), options.WriteTimeout);
            return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);

            void Check(string setting, int value, int least, int most)
            {
                if (value < least || value > most)
                {
                    failures.Add($"{Section}:{setting} must be from {least} to {most}: {value}.");
                }
            }

            void CheckTime(string setting, TimeSpan value)
            {
                if (value < TimeSpan.FromSeconds(1) || value > TimeSpan.FromHours(1))
                {
                    failures.Add($"{Section}:{setting} must be from 00:00:01 to 01:00:00 (h:m:s): {value:c}.");
                }
            }
        }
    }
}
